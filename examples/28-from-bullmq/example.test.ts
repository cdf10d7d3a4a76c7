import { expect, it } from 'vitest';
import { run } from '../test/support.ts';

it('does what the BullMQ app did', { timeout: 120_000 }, async () => {
  const { code, stdout } = await run(['examples/28-from-bullmq/main.ts']);
  expect(stdout).toBe('sent to a@b.c in attempt 2\n[ 5, 9 ]\nreport of 5 + 6\nthe scheduler ticks\n');
  expect(code).toBe(0);
});
