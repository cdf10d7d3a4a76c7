import { afterEach, expect, it } from 'vitest';
import { z } from 'zod';
import { TaskValidationError } from '../errors.ts';
import { currentTask } from '../task/task-context.ts';
import { startWorker } from '../worker/start-worker.ts';
import { Lovage } from './app.ts';

const open: Lovage[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((app) => app.close()));
});

function createApp(): Lovage {
  const app = new Lovage('direct', { broker: 'memory://', logLevel: 'silent' });
  open.push(app);
  return app;
}

it('validates arguments and fills in defaults', () => {
  const app = createApp();
  const args = z.tuple([z.object({ to: z.email(), copies: z.number().default(1) })]);
  const mail = app.task({ name: 'mail', args }, ({ to, copies }) => `${copies} to ${to}`);
  expect(mail({ to: 'a@b.example' })).toBe('1 to a@b.example');
  expect(() => mail({ to: 'nowhere', copies: 1 })).toThrow(TaskValidationError);
});

it('decodes what a codec encodes, and checks what is returned', () => {
  const app = createApp();
  const isoDate = z.codec(z.iso.datetime(), z.date(), {
    decode: (text) => new Date(text),
    encode: (date) => date.toISOString(),
  });
  const next = app.task(
    { name: 'next', args: z.tuple([isoDate]), returns: isoDate },
    (date) => new Date(date.getTime() + 1),
  );
  expect(next(new Date(5))).toEqual(new Date(6));
  const wrong = app.task({ name: 'wrong', returns: z.number() }, () => 'text' as unknown as number);
  expect(() => wrong()).toThrow(TaskValidationError);
});

it('passes what it is given where there is no schema, and makes no promise', () => {
  const given = new Map();
  const same = createApp().task('same', (value: unknown) => value);
  expect(same(given)).toBe(given);
});

it('has a context, which is that of the running task for what it sends', async () => {
  const app = createApp();
  const inner = app.task('inner', () => {
    const { id, name, calledDirectly } = currentTask();
    return { id, name, calledDirectly };
  });
  const child = app.task('child', () => [currentTask().parentId ?? null, currentTask().rootId]);
  const sends = app.task('sends', () => child.call([]));
  const outer = app.task('outer', async () => ({ direct: inner(), sent: await sends() }));
  expect(inner()).toMatchObject({ name: 'inner', calledDirectly: true });
  await startWorker(app);
  const result = await outer.delay();
  expect(await result.get({ timeout: '10s' })).toEqual({
    direct: { id: result.id, name: 'inner', calledDirectly: true },
    sent: [result.id, result.id],
  });
  expect((await sends())[0]).toBeNull(); // no record has the id of a task that is called as a function
});
