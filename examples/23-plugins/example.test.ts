import { expect, it } from 'vitest';
import { run } from '../test/support.ts';

it('a tenant follows its tasks, an audit log is written, runs are timed, and a call without a tenant is refused', async () => {
  const { code, stdout, stderr } = await run(['examples/23-plugins/main.ts']);

  expect(stderr).toBe('');
  expect(code).toBe(0);
  expect(stdout.trimEnd().split('\n')).toEqual([
    'acme pays 3',
    'trousers is too dear',
    "a call of order outside of a tenant's request",
    'audit: acme ran order: "acme pays 3"',
    'audit: umbrella could not run order: trousers is too dear',
    'timed: order, price',
  ]);
});
