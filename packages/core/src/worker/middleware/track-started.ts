import type { Middleware } from './middleware.ts';

/** Records STARTED for tasks that ask for it; the attempt does not wait for the write. */
export const trackStarted: Middleware = {
  name: 'track-started',
  applies: ({ definition }) => definition.options.trackStarted,
  run({ context }, next) {
    void context.markStarted(); // never rejects
    return next();
  },
};
