// Schemas: types inferred from them, values checked before anything is sent, and Dates that arrive as Dates.
import { Lovage, TaskValidationError } from 'lovage';
import { startWorker } from 'lovage/worker';
import { z } from 'zod';

const app = new Lovage('typed-schemas', { logLevel: 'error' });

/** ISO text on the wire, a Date on either side. */
const isoDate = z.codec(z.iso.datetime(), z.date(), {
  decode: (text) => new Date(text),
  encode: (date) => date.toISOString(),
});

const booking = z.object({ guest: z.string().min(1), from: isoDate, nights: z.number().int().positive().default(1) });

const book = app.task(
  { name: 'hotel.book', queue: 'hotel', args: z.tuple([booking]), returns: z.object({ until: isoDate }) },
  ({ guest, from, nights }) => {
    console.log(`worker: ${guest} from ${from.toISOString()} (a Date: ${from instanceof Date}) for ${nights} night(s)`);
    return { until: new Date(from.getTime() + nights * 86_400_000) };
  },
);

await startWorker(app, { queues: ['hotel'] });
const from = new Date('2027-05-01T14:00:00Z');

const stay = await book.call([{ guest: 'Ada', from, nights: 3 }], { timeout: '5s' });
console.log(`caller: until ${stay.until.toISOString()} (a Date: ${stay.until instanceof Date})`);

// Or as the wire has it: the text of a date, and no nights, for which the schema has a default.
await book.call([{ guest: 'Bob', from: '2027-05-01T14:00:00Z' }], { timeout: '5s' });

const error = await book.delay({ guest: '', from, nights: 0 }).catch((thrown: unknown) => thrown);
if (error instanceof TaskValidationError) {
  console.log(`caller: ${error.name}, nothing was sent`);
  for (const issue of error.issues) console.log(`  ${issue.path}: ${issue.message}`);
}

await app.close();
