/** A worker whose workflow writes what it does to a ledger outside Redis. Its plan is its one argument, as JSON. */
import { appendFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { Lovage } from '@lovage/core';
import type { RunChange } from '@lovage/core/driver';
import { startWorker } from '@lovage/core/worker';
import { redisDriver, streamsDriver } from '../src/index.ts';

/** What a worker is told. */
export interface WorkflowPlan {
  readonly url: string;
  readonly prefix: string;
  readonly ledger: string;
  readonly steps: number;
  readonly slots: number;
  readonly lockDuration: number;
  /** Writes of a worker that has lost the run, and that the store took all the same, are noted; `off`: writes carry the newest fence. */
  readonly fence?: 'on' | 'off';
  /** `off`: a worker that takes a run is handed an empty log; and the workflow does not sleep, as it would for ever. */
  readonly replay?: 'off';
  /** The step from which on this worker's steps never end. */
  readonly hangAt?: number;
}

const plan: WorkflowPlan = JSON.parse(process.argv[2] ?? '');
const note = (what: string): void => appendFileSync(plan.ledger, `${what} ${process.pid}\n`);

/** A driver that notes what its workflow store takes of a worker that has lost the run. */
function watched(driver: typeof redisDriver): typeof redisDriver {
  return {
    ...driver,
    connect: (url, context) => {
      const connection = driver.connect(url, context);
      const { workflows } = connection;
      if (workflows === undefined) return connection;
      const write = async <Reply>(id: string, change: RunChange, send: (change: RunChange) => Promise<Reply>) => {
        const newest = (await workflows.read(id))?.header.fence ?? 0;
        const reply = await send(plan.fence === 'off' ? { ...change, fence: newest } : change);
        if (reply === 'done' && newest > change.fence && change.entries?.length) note(`A ${id} stale`);
        return reply;
      };
      const open = Object.assign(Object.create(workflows), {
        take: async (request: never) => {
          const run = await workflows.take(request);
          return plan.replay === 'off' ? { ...run, log: new Map() } : run;
        },
        read: (id: string) => workflows.read(id),
        inbox: (id: string, after: string) => workflows.inbox(id, after),
        append: (id: string, change: RunChange) => write(id, change, (sent) => workflows.append(id, sent)),
        park: (id: string, change: RunChange, seen: string) =>
          write(id, change, (sent) => workflows.park(id, sent, seen)),
      });
      Object.defineProperty(connection, 'workflows', { value: open });
      return connection;
    },
  };
}

const drivers = [redisDriver, streamsDriver].map((driver) => (plan.fence || plan.replay ? watched(driver) : driver));
const app = new Lovage('flows', { broker: plan.url, prefix: plan.prefix, drivers, logLevel: 'silent' });
app.workflow({ name: 'flow', parkAfter: 20 }, async (w, name: string) => {
  for (let step = 1; step <= plan.steps; step += 1) {
    const key = step === 1 ? 'step' : `step#${step}`;
    await w.step('step', async () => {
      note(`S ${name} ${key}`);
      await (plan.hangAt !== undefined && step >= plan.hangAt ? new Promise(() => {}) : pause(3));
      return step;
    });
    note(`D ${name} ${key}`);
    if (step === Math.ceil(plan.steps / 2) && plan.replay !== 'off') await w.sleep(60);
  }
  return name;
});
await startWorker(app, {
  concurrency: plan.slots,
  lockDuration: plan.lockDuration,
  stalledInterval: plan.lockDuration / 2,
});
process.stdout.write('ready\n');
