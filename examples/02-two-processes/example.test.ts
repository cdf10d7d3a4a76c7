import { describe, expect, it } from 'vitest';
import { type Ended, lovage, type Program, run, start, startRedis } from '../test/support.ts';

const folder = 'examples/02-two-processes';

describe('02-two-processes', () => {
  it('the producer gets its results from the worker in worker.ts', async (context) => {
    const env = { LOVAGE_BROKER_URL: await startRedis(context) };
    const worker = start([`${folder}/worker.ts`], env);
    await worker.prints(/is ready on Redis/);

    expectAnswers(await run([`${folder}/producer.ts`], env), worker);

    worker.child.kill('SIGTERM');
    const ended = await worker.ended;
    expect(ended.code).toBe(0);
    expect(ended.stdout).toContain('worker closed after 4 tasks');
  });

  it('the producer may come first, and the worker from the command line', async (context) => {
    const env = { LOVAGE_BROKER_URL: await startRedis(context) };
    const producer = start([`${folder}/producer.ts`], env);
    await producer.prints(/sent 3 tasks, waiting for a worker/);
    const worker = start([lovage, 'worker', '-A', `./${folder}/tasks.ts`], env);

    expectAnswers(await producer.ended, worker);

    worker.child.kill('SIGTERM');
    expect((await worker.ended).code).toBe(0);
  });
});

function expectAnswers(producer: Ended, worker: Program): void {
  expect(producer.stdout).toContain(
    '"the quick brown fox" has 4 words\n"jumps over" has 2 words\n"the lazy dog" has 3 words\n',
  );
  expect(producer.stdout).toContain(`they ran in process ${worker.child.pid} (`);
  expect(producer.code).toBe(0);
}
