import { chain, gate, Lovage } from '@lovage/core';
import { until } from '@lovage/core/testing';
import { startWorker } from '@lovage/core/worker';
import { describe, expect, it, onTestFinished } from 'vitest';
import { lovage, noRedis, refuses, startRedis } from './run-cli.ts';

describe.skipIf(noRedis)('lovage gate', () => {
  it('lists what waits, resolves and rejects it, and shows it in the graph', async () => {
    const { url, stop } = await startRedis();
    onTestFinished(stop);
    const app = new Lovage('gates', { broker: url, logLevel: 'silent' });
    onTestFinished(() => app.close());
    const note = app.task('note', (value: unknown) => value);
    await startWorker(app);
    const run = (...args: string[]) => lovage(['--broker', url, ...args]);
    expect((await run('gate', 'list')).stderr).toContain('no gate waits');

    const canvas = chain(note.s(), gate('approval'), note.s());
    const [good, bad] = [await canvas.delay({ order: 1 }), await canvas.delay({ order: 2 })];
    const ids = [good, bad].map(({ parent }) => (parent as { id: string }).id);
    await until(async () => (await app.gates.list()).length === 2, { what: 'two gates' });
    const table = (await run('gate', 'list', '--name', 'approval')).stdout;
    expect(table).toMatch(/^id +name +since +until +input\n/);
    for (const [index, id] of ids.entries())
      expect(table).toMatch(new RegExp(`${id} +approval .*"order":${index + 1}`));
    expect(JSON.parse((await run('--json', 'gate', 'list', '--root', good.id)).stdout)).toMatchObject([
      { id: ids[0], name: 'approval', input: { order: 1 } },
    ]);
    expect((await run('graph', good.id)).stdout).toMatch(/gate "approval" WAITING/);

    expect(await run('gate', 'resolve', ids[0] as string, '{"by":"Ada"}')).toMatchObject({ code: 0, stdout: '' });
    expect(await good.get({ timeout: '10s' })).toEqual({ by: 'Ada' });
    expect(await run('gate', 'reject', ids[1] as string, 'too dear')).toMatchObject({ code: 0 });
    await expect(bad.get({ timeout: '10s' })).rejects.toThrow('too dear');
    expect(await run('gate', 'resolve', ids[1] as string, '1')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('was decided before: GateRejectedError'),
    });
    expect(await run('gate', 'resolve', 'nowhere')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('no gate'),
    });
  }, 60_000);
});

it('says what is missing', async () => {
  await refuses(['--broker', 'memory://', 'gate', 'reject', 'x'], 2, /reason|argument/);
});
