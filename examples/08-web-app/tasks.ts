import { Lovage } from 'lovage';
import { z } from 'zod';

export const app = new Lovage('web-app', { logLevel: 'warn' });

const order = z.object({ item: z.string().min(1), count: z.number().int().positive() });

export const makeInvoice = app.task(
  { name: 'invoice.make', queue: 'invoices', args: z.tuple([order]), returns: z.object({ text: z.string() }) },
  ({ item, count }) => {
    if (item === 'unicorn') throw new Error('unicorns are sold out');
    return { text: `Invoice: ${count} × ${item}` };
  },
);
