// The app of the scenarios of durable subscriptions and gates, from its build.
import { type GateOptions, gate, Lovage, type Signature, type TaskContext } from 'lovage';
import { Ledger } from '../ledger/ledger.ts';
import { type Sabotage, sabotagedDrivers } from '../sabotage.ts';

const directory = process.env['CHAOS_LEDGER'];
const sabotage = process.env['CHAOS_SABOTAGE'] as Sabotage | undefined;
const ledger = directory === undefined ? undefined : new Ledger(directory, 'worker');
let runs = 0;

export const app: Lovage = new Lovage('chaos-messages', sabotage ? { drivers: sabotagedDrivers(sabotage) } : {});

/** The groups that get every message. */
export const groups: readonly string[] = ['bills', 'stock'];

async function note(key: string, { deliveryCount }: TaskContext): Promise<string> {
  runs += 1;
  const run = `${process.pid}-${runs}`;
  ledger?.note('START', key, { run, detail: String(deliveryCount) });
  await new Promise((resolve) => setTimeout(resolve, 20));
  ledger?.note('END', key, { run, detail: 'ok' });
  return run;
}

for (const group of groups) {
  const task = app.task({ name: group, bind: true, maxRetries: 0 }, (self, key: string) =>
    note(`${group}:${key}`, self),
  );
  app.subscription(group, 'order.*', task);
}

const before = app.task('before', (key: string) => key);
const after = app.task({ name: 'after', bind: true, maxRetries: 0 }, async (self, answer: string, key: string) => {
  await note(`after:${key}`, self);
  return `${answer} ${key}`;
});

/** A canvas that waits for somebody. */
export function waitingCanvas(key: string, options: GateOptions<string>): Signature<[], string> {
  return before.s(key).pipe(gate<string>('answer', options)).pipe(after.s(key)) as Signature<[], string>;
}
