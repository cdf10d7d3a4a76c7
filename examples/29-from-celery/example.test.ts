import { expect, it } from 'vitest';
import { run } from '../test/support.ts';

it('does what the Celery project did', { timeout: 120_000 }, async () => {
  const { code, stdout } = await run(['examples/29-from-celery/main.ts']);
  expect(stdout.split('\n')).toEqual([
    ...['5', '16', '[ 0, 2, 4 ]', '6', 'as asked', "true [ 'proj.broken' ]", 'beat fires', ''],
  ]);
  expect(code).toBe(0);
});
