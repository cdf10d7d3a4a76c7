/** For bundled workers: the program of a pool's threads and processes. */
export { runPoolChild } from './worker/pool/pool-child.ts';
