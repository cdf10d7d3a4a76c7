import { describe, it } from 'vitest';
import { Lovage } from '../src/app/app.ts';
import { silentLogger } from '../src/logger.ts';
import { until } from '../src/testing/until.ts';
import { startWorker } from '../src/worker/start-worker.ts';
import type { WorkflowContext } from '../src/workflow/workflow-context.ts';

let brokers = 0;
type Code = (w: WorkflowContext) => Promise<unknown>;

/** Apps of one broker: each stands for one deploy. */
function deploys(atEnd: (end: () => Promise<void>) => void): (code: Code) => ReturnType<typeof deploy> {
  brokers += 1;
  const broker = `memory://divergence-${brokers}`;
  return (code) => {
    const made = deploy(broker, code);
    atEnd(() => made.app.close());
    return made;
  };
}

function deploy(broker: string, code: Code) {
  const app = new Lovage('flows', { broker, logger: silentLogger });
  const flow = app.workflow({ name: 'flow', parkAfter: 20 }, async (w, _: null) => code(w));
  return { app, flow };
}

/** What the open run has in its log: two steps, then a wait that is parked. */
const written =
  (ran: string[]): Code =>
  async (w) => {
    await w.step('a', () => void ran.push('a'));
    await w.step('b', () => void ran.push('b'));
    return w.event('go');
  };

const step = (w: WorkflowContext, name: string) => w.step(name, () => name);

const catalogue: readonly { readonly change: string; readonly code: Code; readonly key?: string }[] = [
  {
    change: 'rename',
    code: async (w) => {
      await step(w, 'a');
      await step(w, 'bee');
      return w.event('go');
    },
    key: 'b',
  },
  {
    change: 'reorder',
    code: async (w) => {
      await step(w, 'b');
      await step(w, 'a');
      return w.event('go');
    },
    key: 'a',
  },
  {
    change: 'delete',
    code: async (w) => {
      await step(w, 'a');
      return w.event('go');
    },
    key: 'b',
  },
  {
    change: 'change the kind of a step',
    code: async (w) => {
      await step(w, 'a');
      await w.sleep('1h');
      await w.event('b', { timeout: 5, default: 1 });
      return w.event('go');
    },
    key: 'b',
  },
  {
    change: 'end before the log does',
    code: async (w) => step(w, 'a'),
    key: 'b',
  },
  {
    change: 'insert between steps',
    code: async (w) => {
      await step(w, 'a');
      await step(w, 'inserted');
      await step(w, 'b');
      return w.event('go');
    },
  },
  {
    change: 'insert before all steps',
    code: async (w) => {
      await step(w, 'inserted');
      await step(w, 'a');
      await step(w, 'b');
      return w.event('go');
    },
  },
  {
    change: 'insert beside a step',
    code: async (w) => {
      await step(w, 'a');
      await Promise.all([step(w, 'inserted'), step(w, 'b')]);
      return w.event('go');
    },
  },
  {
    change: 'insert behind a patch',
    code: async (w) => {
      await step(w, 'a');
      if (w.patch('new')) await step(w, 'inserted');
      await step(w, 'b');
      return w.event('go');
    },
  },
  {
    change: 'no change',
    code: async (w) => {
      await step(w, 'a');
      await step(w, 'b');
      return w.event('go');
    },
  },
];

describe.concurrent('code that changed under an open run', () => {
  it.for(catalogue)('$change', async ({ code, key }, { expect, onTestFinished }) => {
    const ran: string[] = [];
    const next = deploys(onTestFinished);
    const before = next(written(ran));
    const first = await startWorker(before.app);
    const run = await before.flow.start(null);
    await until(async () => (await run.status()).state === 'PARKED', { what: 'the run to park' });
    await first.close();

    const after = next(code);
    const problems: (Error | undefined)[] = [];
    for await (const { problem } of after.app.workflows.check()) problems.push(problem);
    const second = await startWorker(after.app);
    await run.send('go', 'went');
    if (key === undefined) {
      expect(problems).toEqual([undefined]);
      expect(await run.get({ timeout: '20s' })).toBe('went');
    } else {
      expect(problems[0]).toMatchObject({ name: 'WorkflowDivergedError', key });
      await until(async () => (await run.status()).state === 'DIVERGED', { what: 'the run to be set aside' });
      expect((await run.status()).note).toContain(`"${key}"`);
      await second.close();
      await startWorker(next(written(ran)).app); // the code as it was: nothing is lost
      expect(await run.get({ timeout: '20s' })).toBe('went');
    }
    expect(ran).toEqual(['a', 'b']);
  });
});
