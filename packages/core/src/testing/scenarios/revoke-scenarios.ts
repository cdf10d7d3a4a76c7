import { expect } from 'vitest';
import type { Lovage } from '../../app/app.ts';
import { chain } from '../../canvas/chain.ts';
import { chord } from '../../canvas/chord.ts';
import { group } from '../../canvas/group.ts';
import { newTaskId } from '../../message/task-id.ts';
import type { AsyncResult } from '../../results/async-result.ts';
import { type RevokeCase, revokeTable } from '../../task/revoke-table.ts';
import { deferred, until } from '../until.ts';
import { type Scenario, type ScenarioBench, settled } from './scenario-bench.ts';

const timeout = '20s';
const revoked = { name: 'TaskRevokedError' };
/** How long a command waits for answers here. */
const answers = { timeout: 250 };

/** One case of the table while it is played. */
interface Play {
  readonly of: RevokeCase;
  readonly stamps: Readonly<Record<string, string>>;
  readonly result: AsyncResult;
  /** The task to be revoked is where the case has it. */
  readonly there: Promise<unknown>;
}

/** What the handlers of the table's tasks were seen to do. */
class Stage {
  readonly app: Lovage;
  readonly starts: Map<string, number> = new Map();
  readonly ends: Set<string> = new Set();
  readonly aborted: Set<string> = new Set();
  readonly gate: { readonly promise: Promise<void>; resolve(): void } = deferred();
  readonly #begun = new Map<string, { readonly promise: Promise<void>; resolve(): void }>();

  constructor(bench: ScenarioBench) {
    this.app = bench.app();
    this.app.task({ name: 'act', bind: true, maxRetries: null }, async (self, how: string) => {
      const { id } = self;
      this.starts.set(id, (this.starts.get(id) ?? 0) + 1);
      self.signal.addEventListener('abort', () => this.aborted.add(id), { once: true });
      this.begun(id).resolve();
      if (how === 'retrying') self.retry({ countdown: 700 });
      if (how === 'running') await this.gate.promise;
      this.ends.add(id);
      return 'done';
    });
  }

  begun(id: string): { readonly promise: Promise<void>; resolve(): void } {
    const known = this.#begun.get(id) ?? deferred();
    this.#begun.set(id, known);
    return known;
  }

  /** Sends the case's task; a waiting one into a queue that nobody consumes yet. */
  async play(of: RevokeCase): Promise<Play> {
    const { where } = of;
    const stamps = { case: newTaskId() };
    const taskId = newTaskId();
    const queue = ['waiting', 'delayed', 'unknown'].includes(where) ? { queue: 'later' } : {};
    const delay = where === 'delayed' ? { countdown: 600 } : {};
    const send = () => this.app.sendTask('act', [where], { taskId, stamps, ...queue, ...delay });
    const result = where === 'unknown' ? this.app.asyncResult(taskId) : await send();
    return { of, stamps, result, there: this.#there(of, result) };
  }

  /** Sends what nobody knew when it was revoked. */
  send({ result, stamps }: Play): Promise<AsyncResult> {
    return this.app.sendTask('act', ['unknown'], { taskId: result.id, stamps, queue: 'later' });
  }

  async #there({ where }: RevokeCase, result: AsyncResult): Promise<unknown> {
    if (where === 'running') return this.begun(result.id).promise;
    if (where === 'retrying') return until(async () => (await result.state()) === 'RETRY', { what: 'a waiting retry' });
    if (where === 'ended') return result.get({ timeout });
    return undefined;
  }
}

async function revoke(app: Lovage, { of, stamps, result }: Play): Promise<void> {
  const { by, terminate } = of;
  if (by === 'id') await app.control.revoke(result.id, { terminate, ...answers });
  else await app.control.revokeByStampedHeaders(stamps, { terminate, ...answers });
}

function handlerOf({ of, result: { id } }: Play, { starts, ends, aborted }: Stage): RevokeCase['handler'] {
  if (!starts.has(id)) return 'is not run';
  if (of.where === 'retrying') return starts.get(id) === 1 ? 'is not run again' : 'has run';
  if (aborted.has(id)) return 'is broken off';
  return of.where === 'running' && ends.has(id) ? 'runs to its end, without effect' : 'has run';
}

/** Taking tasks back by what is stamped on them, and what becomes of a task wherever it is when it is revoked. */
export const revokeScenarios: readonly Scenario[] = [
  {
    name: 'REVOKED stays final as long as the message exists, whatever resultExpires and retention say',
    async run(bench) {
      const app = bench.app({ resultExpires: 300, retention: { results: 5, grace: 1 } });
      const ran: string[] = [];
      const gate = deferred();
      const begun = deferred();
      app.task({ name: 'act', bind: true }, async (self, how: string) => {
        ran.push(self.id);
        if (how !== 'running') return 'done';
        begun.resolve();
        return gate.promise;
      });
      await bench.worker(app);
      const running = await app.sendTask('act', ['running']);
      await begun.promise;
      const early = newTaskId();
      await app.control.revoke([running.id, early], answers);
      const waiting = await app.sendTask('act', ['sent'], { taskId: early, countdown: 600 });
      const others = await Promise.all(Array.from({ length: 40 }, (_, index) => app.sendTask('act', [`${index}`])));
      await Promise.all(others.map((other) => settled(other.get({ timeout }))));
      await (await app.sendTask('act', ['last'], { countdown: 700 })).get({ timeout }); // when the results of the others have expired
      expect(ran).not.toContain(early);
      gate.resolve();
      await until(async () => (await app.asyncResult(running.id).state()) === 'REVOKED', { what: 'REVOKED' });
      await (await app.sendTask('act', ['after'])).get({ timeout });
      expect(await Promise.all([running.state(), waiting.state()])).toEqual(['REVOKED', 'REVOKED']);
      expect(ran.filter((id) => id === running.id)).toHaveLength(1);
    },
  },
  {
    name: 'revoking does what its table says, wherever the task is, by id and by stamp, with and without terminate',
    async run(bench) {
      const stage = new Stage(bench);
      await bench.worker(stage.app, { concurrency: 16 });
      const plays = await Promise.all(revokeTable.map((of) => stage.play(of)));
      await Promise.all(plays.map(({ there }) => there));
      const elsewhere = bench.app();
      await Promise.all(plays.map((play) => revoke(elsewhere, play)));
      for (const play of plays) {
        if (play.of.info === 'when a worker meets it') continue;
        const info = await settled(elsewhere.asyncResult(play.result.id).get({ timeout }));
        expect(info, describe(play.of)).toEqual(
          play.of.state === 'REVOKED' ? expect.objectContaining(revoked) : 'done',
        );
      }
      stage.gate.resolve();
      for (const play of plays) if (play.of.where === 'unknown') await stage.send(play);
      await bench.worker(stage.app, { queues: ['later', 'default'] });
      const last = await stage.app.sendTask('act', ['last'], { countdown: 1_000, queue: 'later' });
      expect(await last.get({ timeout })).toBe('done');
      await until(
        () => plays.every(({ of, result }) => of.where !== 'running' || of.terminate || stage.ends.has(result.id)),
        {
          what: 'the end of what was not broken off',
        },
      );
      for (const play of plays) {
        const { of, result } = play;
        expect([handlerOf(play, stage), await result.state()], describe(of)).toEqual([of.handler, of.state]);
      }
    },
  },
  {
    name: 'a task that was revoked while it ran is not run again where it goes back, its worker ending before it',
    async run(bench) {
      const runs: string[] = [];
      const begun = [deferred(), deferred()];
      const first = bench.app();
      first.task({ name: 'heeding', bind: true }, async (self) => {
        begun[0]?.resolve();
        await new Promise((_, reject) => self.signal.addEventListener('abort', () => reject(self.signal.reason)));
      });
      first.task('deaf', () => {
        begun[1]?.resolve();
        return new Promise(() => {});
      });
      const second = bench.app();
      for (const name of ['heeding', 'deaf', 'last']) second.task(name, () => void runs.push(name));
      const worker = await bench.worker(first);
      const results = [await first.sendTask('heeding'), await first.sendTask('deaf')];
      await Promise.all(begun.map(({ promise }) => promise));
      for (const result of results) await result.revoke();
      expect(await worker.close({ drain: 0 })).toEqual({ released: 2, abandoned: 0 });
      await bench.worker(second, { concurrency: 1 });
      await second.sendTask('last').then((result) => result.get({ timeout }));
      expect(runs).toEqual(['last']);
      for (const result of results) expect(await result.state()).toBe('REVOKED');
    },
  },
  {
    name: 'a revoked stamp or header ends whole canvases, whatever part of them carries it, and nothing else',
    async run(bench) {
      const app = bench.app();
      const runs: string[] = [];
      const note = app.task('note', (what: string) => {
        runs.push(what);
        return what;
      });
      const list = app.task('list', (all: string[]) => all);
      const spared = await note.applyAsync(['spared'], { stamps: { customer: 7 }, countdown: 800 });
      const canvases = [
        await chain(note.s('a'), note.si('b'), note.si('c')).stamp({ customer: 42 }).delay(),
        await group([note.s('d'), note.s('e')])
          .stamp({ customer: 42 })
          .delay(),
        await chord([note.s('f'), note.s('g')], list.s())
          .stamp({ customer: 42 })
          .delay(),
        await chain(note.s('first'), note.si('second').set({ headers: { customer: 42 } }), note.si('third')).delay(),
        await note.applyAsync(['h'], { headers: { customer: [1, 42] } }),
      ];
      await app.control.revokeByStampedHeaders({ customer: [42, 'forty-two'] }, answers);
      const info = canvases.map((result) => settled(result.get({ timeout })));
      await bench.worker(app);
      expect(await Promise.all(info)).toMatchObject(canvases.map(() => revoked));
      expect(await spared.get({ timeout })).toBe('spared');
      expect(runs).toEqual(['first', 'spared']);
    },
  },
  {
    name: 'a revoked stamp holds for workers started later, until its rule expires or is lifted',
    async run(bench) {
      const app = bench.app();
      const echo = app.task('echo', (what: string) => what);
      const rule = { shop: 'closed' };
      await app.control.revokeByStampedHeaders(rule, { timeout: 0, expires: '1h' });
      await app.control.revokeByStampedHeaders({ shop: 'moved' }, { timeout: 0, expires: 1 });
      const shut = await echo.applyAsync(['shut'], { stamps: rule });
      const moved = await echo.applyAsync(['moved'], { stamps: { shop: 'moved' }, countdown: 100 });
      await bench.worker(app);
      expect(await settled(shut.get({ timeout }))).toMatchObject(revoked);
      expect(await moved.get({ timeout })).toBe('moved');
      const [kept, ...others] = await bench.app().inspect.revokedStamps();
      expect([kept, others]).toEqual([
        expect.objectContaining({ stamp: 'shop', value: 'closed', terminate: false }),
        [],
      ]);
      expect(await app.control.liftStampedHeaders({ shop: ['closed', 'never'] })).toBe(1);
      await app.control.broadcast('revoke-by-stamped-headers', {}, answers); // has the worker read them now
      const open = await echo.applyAsync(['open'], { stamps: rule });
      expect(await open.get({ timeout })).toBe('open');
    },
  },
  {
    name: 'revoking by stamps refuses what no stamp can be compared with',
    async run(bench) {
      const { control } = bench.app();
      for (const headers of [{}, { a: [] }, { a: null }, { a: [{}] }]) {
        expect(await settled(control.revokeByStampedHeaders(headers as never, answers))).toMatchObject({
          name: 'ConfigurationError',
          message: expect.stringContaining('revokeByStampedHeaders'),
        });
      }
    },
  },
];

function describe({ where, by, terminate }: RevokeCase): string {
  return `${where}, by ${by}${terminate ? ', terminate' : ''}`;
}
