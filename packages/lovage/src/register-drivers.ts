import { registerDriverLoaders } from '@lovage/core';

/** An optional peer: a bundler is not to look for it where it is not installed. */
const celery = '@lovage/celery';

registerDriverLoaders({
  '@lovage/redis': () => import('@lovage/redis'),
  [celery]: () => import(celery),
});

/** Given out from here, so that whoever takes it has the drivers registered. */
export { Lovage } from '@lovage/core';
