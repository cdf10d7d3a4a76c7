/** Text of others for terminals and pictures: a door of its own, since a command line must load quickly. */

export { visible } from './options/visible.ts';
