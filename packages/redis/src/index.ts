export { redisDriver } from './driver.ts';
