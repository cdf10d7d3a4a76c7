import { registerDriverLoaders } from '@lovage/core';

/** Optional peers: a bundler is not to look for them where they are not installed. */
const celery = '@lovage/celery';
const postgres = '@lovage/postgres';

registerDriverLoaders({
  '@lovage/redis': () => import('@lovage/redis'),
  [celery]: () => import(celery),
  [postgres]: () => import(postgres),
});

/** Given out from here, so that whoever takes it has the drivers registered. */
export { Lovage } from '@lovage/core';
