export { postgresDriver } from './driver.ts';
export { type EffectMark, once } from './effects/once.ts';
export { addToOutbox, type OutboxEntry } from './outbox/outbox-table.ts';
export { type OutboxRelay, type OutboxRelayOptions, startOutboxRelay } from './outbox/relay.ts';
