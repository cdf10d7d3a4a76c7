import { expect, it } from 'vitest';
import { onEachBroker, run } from '../test/support.ts';

onEachBroker((broker) => {
  it('prints every attempt, the results, and the failure', async (context) => {
    const { code, stdout } = await run(['examples/05-retries/main.ts'], await broker(context));

    expect(code).toBe(0);
    expect(attempts(stdout, 'fetchPrice')).toEqual([1, 2, 3, 4]);
    expect(stdout).toContain('result: ACME 42.17');
    expect(attempts(stdout, 'waitForExport')).toEqual([1, 2, 3]);
    expect(stdout).toContain('result: export.csv');
    expect(attempts(stdout, 'hopeless')).toEqual([1, 2, 3]);
    expect(stdout).toContain('TaskFailedError after 3 attempts: NetworkError: no route to host (attempt 3)');
  });

  it('never comes back early: backoff doubles', async (context) => {
    const { stdout } = await run(['examples/05-retries/main.ts'], await broker(context));

    const waits = [...stdout.matchAll(/fetchPrice: attempt \d, (\d+) ms/g)].map(([, ms]) => Number(ms));
    for (const [index, least] of [50, 100, 200].entries()) expect(waits[index]).toBeGreaterThanOrEqual(least - 1);
  });
});

function attempts(stdout: string, task: string): number[] {
  return [...stdout.matchAll(new RegExp(`${task}: attempt (\\d+)`, 'g'))].map(([, attempt]) => Number(attempt));
}
