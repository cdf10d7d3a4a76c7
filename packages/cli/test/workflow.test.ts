import { fileURLToPath } from 'node:url';
import { Lovage } from '@lovage/core';
import { until } from '@lovage/core/testing';
import { startWorker } from '@lovage/core/worker';
import { describe, expect, it, onTestFinished } from 'vitest';
import { lovage, noRedis, refuses, startRedis } from './run-cli.ts';

const changed = fileURLToPath(new URL('fixtures/workflow-app.mjs', import.meta.url));

describe.skipIf(noRedis)('lovage workflow', () => {
  it('lists and shows runs, sends events, cancels, retries, forks, and checks code against open runs', async () => {
    const { url, stop } = await startRedis();
    onTestFinished(stop);
    const app = new Lovage('flows', { broker: url, logLevel: 'silent' });
    onTestFinished(() => app.close());
    let broken = true;
    const order = app.workflow({ name: 'order', parkAfter: 50 }, async (w, n: number) => {
      const charge = await w.step('charge', () => n * 2);
      const answer = await w.event('approved');
      await w.step('ship', () => {
        if (broken) throw new Error('no van');
      });
      return { charge, answer };
    });
    await startWorker(app);
    const run = (...args: string[]) => lovage(['--broker', url, 'workflow', ...args]);
    expect((await run('list')).stderr).toContain('no run');
    const [a, b] = [await order.start(1, { id: 'order-1' }), await order.start(2, { id: 'order-2' })];
    for (const one of [a, b])
      await until(async () => (await one.status()).state === 'PARKED', { what: 'the run to park' });

    expect((await run('list', '--state', 'parked')).stdout).toMatch(/^id +workflow .*\norder-\d +order +- +PARKED/);
    const shown = (await run('show', 'order-1')).stdout;
    expect(shown).toMatch(/order-1 +order +PARKED/);
    expect(shown).toMatch(/1 +\S+ +\d+ms +step +charge +DONE +2/);
    expect(shown).toMatch(/event +approved +WAITING/);

    const check = await lovage(['--broker', url, '-A', changed, 'workflow', 'check', '--open']);
    expect(check).toMatchObject({ code: 1, stderr: expect.stringContaining('2 open runs checked, 2 do not fit') });
    expect(check.stdout).toContain('diverged at "charge"');

    expect(await run('cancel', 'order-2', 'too late')).toMatchObject({ code: 0 });
    await expect(b.get({ timeout: '10s' })).rejects.toThrow();
    expect(await run('send', 'order-1', 'approved', '{"by":"Ada"}', '--event-id', 'one')).toMatchObject({ code: 0 });
    await expect(a.get({ timeout: '10s' })).rejects.toThrow('no van');
    broken = false;
    expect(await run('retry', 'order-1')).toMatchObject({ code: 0 });
    expect(await app.run('order-1').get({ timeout: '10s' })).toEqual({ charge: 2, answer: { by: 'Ada' } });
    expect(await run('fork', 'order-1', '--from', 'ship', '--new-id', 'order-3')).toMatchObject({
      code: 0,
      stdout: 'order-3\n',
    });
    expect(await app.run('order-3').get({ timeout: '10s' })).toEqual({ charge: 2, answer: { by: 'Ada' } });
    expect(JSON.parse((await lovage(['--broker', url, '--json', 'workflow', 'show', 'order-3'])).stdout)).toMatchObject(
      { state: 'SUCCESS' },
    );
    expect(await run('send', 'nobody', 'approved')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('no workflow run'),
    });
  }, 90_000);
});

it('says what is missing', async () => {
  await refuses(['--broker', 'memory://', 'workflow', 'fork', 'x'], 2, /--from/);
});
