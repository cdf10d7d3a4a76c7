/** Connectors: records of other systems become tasks. */

export { Connect } from './connect.ts';
export {
  base64,
  type DecodedRecord,
  type Decoder,
  json,
  type SourceRecord,
  text,
} from './source/record.ts';
export type { Source, SourceCounts, SourceState, SourceStatus } from './source/source.ts';
export type { SourceOptions } from './source/source-options.ts';
export type {
  Gap,
  OpenSource,
  PartitionLag,
  SeekTarget,
  SourceContext,
  SourceSystem,
} from './source/source-system.ts';
export { type KafkaConnection, type KafkaSourceOptions, kafka } from './systems/kafka.ts';
export { MemoryLog, type MemoryLogRecord } from './systems/memory-log.ts';
export { type MqttSourceOptions, mqtt } from './systems/mqtt.ts';
export { type NatsSourceOptions, nats } from './systems/nats.ts';
export { type RabbitmqSourceOptions, rabbitmq } from './systems/rabbitmq.ts';
export { type StompSourceOptions, stomp } from './systems/stomp.ts';
export type { StompAddress } from './systems/stomp-connection.ts';
