import { expect, it } from 'vitest';
import type { ResultBackend } from '../../driver/result-backend.ts';
import { silentLogger } from '../../logger.ts';
import type { Message } from '../../message/message.ts';
import type { OutcomeWrite } from '../../message/outcome.ts';
import { type Deferred, deferred } from '../../testing/until.ts';
import { StateWriter } from './state-writer.ts';

const message = { id: 't', task: 'work' } as Message; // as much as it needs

function setUp() {
  const stored: unknown[] = [];
  const puts: Deferred<void>[] = [];
  const put = ([write]: readonly OutcomeWrite[]): Promise<void> => {
    stored.push(write?.record.progress);
    const done = deferred();
    puts.push(done);
    return done.promise;
  };
  const writer = new StateWriter({ put } as unknown as ResultBackend, silentLogger, () => 1_000);
  const write = (progress: number): Promise<void> =>
    writer.write(message, { id: 't', task: 'work', state: 'STARTED', progress, attempts: 1, at: 0 });
  return { stored, puts, write };
}

it('keeps the newest state of a task while another one is written', async () => {
  const { stored, puts, write } = setUp();
  void write(1);
  void write(2);
  const last = write(3);
  puts[0]?.resolve();
  await Promise.resolve();
  await new Promise(setImmediate);
  puts[1]?.resolve();
  await last;
  expect(stored).toEqual([1, 3]);
});

it.each(Array.from({ length: 7 }, (_, turns) => turns))(
  'writes no older state after a newer one that comes %i turns after the write before has ended',
  async (turns) => {
    const { stored, puts, write } = setUp();
    void write(1);
    void write(2);
    puts[0]?.resolve();
    for (let turn = 0; turn < turns; turn += 1) await Promise.resolve();
    const last = write(3);
    for (let index = 1; index < 3; index += 1) {
      await new Promise(setImmediate);
      puts[index]?.resolve();
    }
    await last;
    expect(stored.at(-1)).toBe(3);
  },
);
