/** Text of others for people: a door of its own, since a command line must load quickly. */

export { mergeLogFields } from './logger.ts';
export { userFrames } from './message/user-frames.ts';
export { visible } from './options/visible.ts';
