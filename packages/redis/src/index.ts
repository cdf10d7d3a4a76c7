export { redisDriver, streamsDriver } from './driver.ts';
