// The app of the beat scenarios, from its build: `lovage beat -A packages/chaos/dist/apps/beat-app.js`.
import { every, Lovage, type Schedulable, type TaskContext } from 'lovage';
import { Ledger } from '../ledger/ledger.ts';

const directory = process.env['CHAOS_LEDGER'];
const sabotage = process.env['CHAOS_BEAT'];
const entries = Number(process.env['CHAOS_ENTRIES'] ?? 10);
const ledger = directory === undefined ? undefined : new Ledger(directory, 'worker');
let runs = 0;

export const app: Lovage = new Lovage('chaos-beat');

const tick = app.task({ name: 'tick', bind: true, maxRetries: 0 }, (self: TaskContext) => {
  const { name, slot } = self.headers['schedule'] as { readonly name: string; readonly slot: number };
  runs += 1;
  ledger?.note('START', `${name} ${slot}`, { run: `${process.pid}-${runs}`, detail: String(self.deliveryCount) });
});

for (let entry = 0; entry < entries; entry += 1) {
  const signature = sabotage === 'own-ids' ? forgetful(tick.si()) : tick.si();
  app.schedule(`e${entry}`, every('500ms'), signature, {
    catchUp: sabotage === 'no-catch-up' ? 'once' : { all: 1000 },
  });
}

/** The same signature, sent under an id of its own each time: what a slot's id is for. */
function forgetful(signature: Schedulable): Schedulable {
  return {
    toJSON: () => signature.toJSON(),
    applyAsync: (args, { taskId: _, ...options } = {}) => signature.applyAsync(args, options),
  };
}
