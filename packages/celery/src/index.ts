/** Lovage in a fleet of Python's Celery. Loaded by `celery+redis://` URLs; import it to give drivers explicitly. */
export { celeryAmqpDriver, celeryRedisDriver } from './driver.ts';
