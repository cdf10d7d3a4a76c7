/** The `lovage` command line. */
export { main } from './main.ts';
