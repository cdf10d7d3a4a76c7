/** For bundled workers: the program of a pool's threads and processes. */
export { runPoolChild } from '@lovage/core/pool-child';
