// Names of OpenTelemetry's semantic conventions for messaging, version 1.45. None of them is stable, so they stand here alone.

/** Attributes of spans and metrics. */
export const attribute = {
  system: 'messaging.system.name',
  operationName: 'messaging.operation.name',
  operationType: 'messaging.operation.type',
  destination: 'messaging.destination.name',
  messageId: 'messaging.message.id',
  conversation: 'messaging.message.conversation_id',
  batchCount: 'messaging.batch.message_count',
  client: 'messaging.client.id',
  error: 'error.type',
  /** Ours. */
  task: 'lovage.task.name',
  attempt: 'lovage.task.attempt',
  outcome: 'lovage.task.outcome',
} as const;

/** Metrics; durations in seconds. */
export const metric = {
  sent: 'messaging.client.sent.messages',
  consumed: 'messaging.client.consumed.messages',
  operation: 'messaging.client.operation.duration',
  process: 'messaging.process.duration',
} as const;

/** The boundaries that the conventions give for durations. */
export const durationBuckets: readonly number[] = [
  0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10,
];
