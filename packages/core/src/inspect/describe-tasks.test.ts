import { expect, it } from 'vitest';
import { z } from 'zod';
import { Lovage } from '../app/app.ts';
import { silentLogger } from '../logger.ts';
import { describeTasks } from './describe-tasks.ts';

it('tells signatures and examples by schema, else by the names of parameters', async () => {
  const app = new Lovage('described', { broker: 'memory://', logger: silentLogger });
  app.task('add', (a: number, b: number) => a + b);
  app.task({ name: 'bound', bind: true }, (_self, { id }: { id: string }, more = [1, 2], ...rest: unknown[]) => [
    id,
    more,
    rest,
  ]);
  app.remote('elsewhere');
  const order = z.object({ amount: z.number().min(5), currency: z.enum(['EUR', 'USD']), note: z.string().optional() });
  app.task(
    { name: 'charge', args: z.tuple([order, z.email(), z.array(z.string()).optional()]), returns: z.boolean() },
    (...args) => args.length > 0,
  );
  const [add, bound, charge] = await describeTasks(app);
  expect(add).toEqual({ name: 'add', runsHere: true, signature: 'add(a, b)', example: [1, 1] });
  expect(bound?.signature).toMatch(/^bound\(value, more = \[1, 2\], \.\.\.rest\)$/);
  expect(bound?.example).toEqual([1]);
  expect(charge).toMatchObject({
    signature:
      'charge(arg1: { amount: number; currency: "EUR" | "USD"; note?: string }, arg2: string, arg3?: string[]) → boolean',
    example: [{ amount: 5, currency: 'EUR' }, 'a@example.com'],
    args: { type: 'array', prefixItems: [{ type: 'object' }, { format: 'email' }, { type: 'array' }] },
  });
});
