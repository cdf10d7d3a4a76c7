export { postgresDriver } from './driver.ts';
