import { type Message, messageVersion } from '../../message/message.ts';
import { newTaskId } from '../../message/task-id.ts';

/**
 * A message as a caller would send it, for tests of plugins, middleware and drivers: `createMessage({ task: 'mail.send', args: ['a@b.c'] })`.
 * @default a new id, queue 'default', priority 0, sent now
 */
export function createMessage(fields: Partial<Message> & Pick<Message, 'task'>): Message {
  return {
    v: messageVersion,
    id: newTaskId(),
    args: [],
    queue: 'default',
    priority: 0,
    retries: 0,
    sentAt: Date.now(),
    ...fields,
  };
}
