import { expect, it, onTestFinished } from 'vitest';
import { Lovage } from '../../app/app.ts';
import { runtimeOf } from '../../app/app-runtime.ts';
import { changeTopic, controlTopic, replyTopic } from '../../events/control-message.ts';
import type { JsonValue } from '../../message/json.ts';
import { startWorker } from '../start-worker.ts';

/** What a worker answers to a shutdown that is sent on this topic. */
async function answerOf(topic: string, control: 'acl' | 'open'): Promise<JsonValue> {
  const lines: unknown[] = [];
  const note = (message: string, fields: unknown): void => void lines.push([message, fields]);
  const logger = { debug() {}, info: note, warn: note, error() {}, child: () => logger };
  const app = new Lovage('told', { broker: `memory://${Math.random()}`, logger, control, worker: { drain: 0 } });
  onTestFinished(() => app.close());
  await startWorker(app, { name: 'w1' });
  const { bus } = await runtimeOf(app).stores.open();
  const answer = new Promise<JsonValue>((resolve) => void bus?.subscribe(replyTopic('r1'), resolve));
  await bus?.publish(topic, { id: 'r1', command: 'pool-grow', args: { n: 1 } });
  const reply = await answer;
  expect(lines).toContainEqual([
    expect.stringContaining('remote command'),
    expect.objectContaining({ command: 'pool-grow' }),
  ]);
  return reply;
}

it('obeys commands on their own channel, and on that of questions only when it is open', async () => {
  expect(await answerOf(changeTopic, 'acl')).toEqual({ worker: 'w1', reply: 9 });
  expect(await answerOf(controlTopic, 'open')).toEqual({ worker: 'w1', reply: 9 });
  expect(await answerOf(controlTopic, 'acl')).toEqual({
    worker: 'w1',
    error:
      'the command pool-grow is refused: it changes what workers do, so it is sent on the channel "control-change" (option control: \'acl\')',
  });
});
