export { postgresDriver } from './driver.ts';
export { type EffectMark, once } from './effects/once.ts';
