import { appendFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { type AnySignature, chain, chord, group, type Lovage, Reject } from '@lovage/core';
import type { Redis } from 'ioredis';

const named = (name: string): string => `t.integration.tasks.${name}`;

/** An error that Python raises as its class of that name. */
class PythonLike extends Error {
  constructor(name: string, message: string) {
    super(message);
    this.name = name;
  }
}

/** As Celery stores one that its class cannot be made of again. */
const unpickleable = (foo: string): Error => new PythonLike('UnpickleableException', `UnpickleableException('${foo}')`);

/** As Python's `+`: the suite adds lists and texts too. */
const plus = (x: number, y: number): number =>
  Array.isArray(x) && Array.isArray(y) ? ([...x, ...y] as unknown as number) : x + y;

/** Python's bytes arrive as base64: here those of a UUID's text. */
const echoOf = (message: unknown): string =>
  /^[A-Za-z0-9+/]{48}$/.test(String(message)) ? Buffer.from(String(message), 'base64').toString() : String(message);

/** Lovage's priority as the number that was sent. */
const wirePriority = (own: number): number => (own === 0 ? 0 : 9 - own);

type Numbers = readonly (number | readonly number[])[];
const total = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0);

/** The tasks of Celery's own integration suite (`t/integration/tasks.py`) in TypeScript. */
export function defineIntegrationTasks(app: Lovage, redis: Redis): void {
  app.task(named('identity'), (x: unknown) => x);
  const add = app.task(
    { name: named('add'), params: ['x', 'y', 'z'] },
    (x: number, y: number, z?: number | null): number => (z ? plus(plus(x, y), z) : plus(x, y)),
  );
  const s = (name: string, ...args: unknown[]): AnySignature => app.signature({ task: named(name), args } as never);
  const start = async (canvas: AnySignature): Promise<void> => {
    await (canvas as AnySignature & { applyAsync(args: []): Promise<unknown> }).applyAsync([]);
  };
  app.task({ name: named('mul'), params: ['x', 'y'] }, (x: number, y: number) => x * y);
  app.task(
    { name: named('write_to_file_and_return_int'), params: ['file_name', 'i'] },
    async (file: string, i: number) => {
      await appendFile(file, `${i}\n`);
      return i;
    },
  );
  app.task({ name: named('add_not_typed'), params: ['x', 'y'] }, (x: number, y?: number) => {
    if (y === undefined) throw new TypeError('add_not_typed() missing 1 required positional argument: y');
    return x + y;
  });
  app.task(
    { name: named('add_ignore_result'), params: ['x', 'y'], ignoreResult: true },
    (x: number, y: number) => x + y,
  );
  app.task(named('raise_error'), () => {
    throw new PythonLike('ValueError', 'deliberate error');
  });
  app.task(named('chain_add'), async (x: number, y: number) => start(chain(add.s(x, x), s('add', y))));
  app.task(named('chord_add'), async (x: number, y: number) =>
    start(chord([add.s(x, x)], s('add', y) as never) as never),
  );
  app.task(
    { name: named('delayed_sum'), params: ['numbers', 'pause_time'], trackStarted: true },
    async (numbers: number[], pause?: number) => {
      await delay((pause ?? 1) * 1_000);
      return total(numbers);
    },
  );
  app.task(
    { name: named('delayed_sum_with_soft_guard'), params: ['numbers', 'pause_time'], bind: true },
    async (self, numbers: number[], pause?: number) => {
      try {
        await delay((pause ?? 1) * 1_000, undefined, { signal: self.signal });
        return total(numbers);
      } catch {
        return 0;
      }
    },
  );
  app.task(named('tsum'), (numbers: number[]) => total(numbers));
  app.task(named('xsum'), (numbers: Numbers) =>
    total(numbers.map((one) => (typeof one === 'number' ? one : total(one)))),
  );
  app.task({ name: named('add_replaced'), bind: true }, (self, x: number, y: number) => self.replace(s('add', x, y)));
  for (const [name, second, hook] of [
    ['replace_with_chain', 'identity', 'link'],
    ['replace_with_chain_which_raises', 'raise_error', 'linkError'],
  ] as const) {
    app.task({ name: named(name), bind: true, params: ['x', 'link_msg'] }, (self, x: unknown, message?: string) => {
      const echo =
        message === undefined
          ? s('redis_echo')
          : app.signature({ task: named('redis_echo'), args: [message], immutable: true } as never);
      return self.replace(chain(s('identity', x), s(second))[hook](echo as never));
    });
  }
  app.task({ name: named('add_to_all'), bind: true }, (self, numbers: number[], value: number) =>
    self.replace(group(numbers.map((one) => s('add', one, value)))),
  );
  app.task({ name: named('add_to_all_to_chord'), bind: true }, async (self, numbers: number[], value: number) => {
    for (const one of numbers) await self.addToChord(s('add', one, value));
    return 0;
  });
  app.task({ name: named('add_chord_to_chord'), bind: true }, async (self, numbers: number[], value: number) => {
    await self.addToChord(
      chord(
        numbers.map((one) => s('add', one, value)),
        s('tsum') as never,
      ),
    );
    return 0;
  });
  app.task(named('print_unicode'), () => undefined);
  app.task(named('return_exception'), (error: unknown) => [error, true]);
  app.task({ name: named('sleeping'), params: ['i'] }, async (i: number) => void (await delay(i * 1_000)));
  app.task({ name: named('ids'), bind: true, params: ['i'] }, (self, i: unknown) => [
    self.rootId,
    self.parentId ?? null,
    i,
  ]);
  app.task({ name: named('collect_ids'), bind: true, params: ['res', 'i'] }, (self, res: unknown, i: unknown) => [
    res,
    [self.rootId, self.parentId ?? null, i],
  ]);
  app.task({ name: named('retry'), bind: true, params: ['return_value'] }, (self, value?: unknown) => {
    if (value && self.retries >= 3) return value;
    return self.retry({ exc: new PythonLike(named('ExpectedException'), ''), countdown: 5_000 });
  });
  app.task(
    { name: named('retry_once'), bind: true, maxRetries: 1, params: ['expires', 'max_retries', 'countdown'] },
    (self) => (self.retries > 0 ? self.retries : self.retry({ countdown: 100 })),
  );
  app.task({ name: named('retry_once_priority'), bind: true, maxRetries: 1 }, (self) =>
    self.retries > 0 ? wirePriority(self.priority) : self.retry({ countdown: 100 }),
  );
  app.task({ name: named('retry_once_headers'), bind: true, maxRetries: 1, params: ['max_retries'] }, (self) =>
    self.retries > 0 ? self.headers : self.retry({ countdown: 100 }),
  );
  app.task(
    { name: named('redis_echo'), params: ['message', 'redis_key'] },
    async (message: unknown, key?: string) => void (await redis.rpush(key ?? 'redis-echo', echoOf(message))),
  );
  app.task(
    { name: named('redis_echo_group_id'), bind: true, params: ['_', 'redis_key'] },
    async (self, _: unknown, key?: string) => void (await redis.rpush(key ?? 'redis-group-ids', String(self.groupId))),
  );
  app.task(
    { name: named('redis_count'), params: ['redis_key'] },
    async (key?: string) => void (await redis.incr(key ?? 'redis-count')),
  );
  app.task({ name: named('second_order_replace1'), bind: true, params: ['state'] }, async (self, state = false) => {
    await redis.rpush('redis-echo', state ? 'Out A' : 'In A');
    if (!state) return self.replace(chain(s('second_order_replace2'), immutable('second_order_replace1', true)));
  });
  app.task({ name: named('second_order_replace2'), bind: true, params: ['state'] }, async (self, state = false) => {
    await redis.rpush('redis-echo', state ? 'Out B' : 'In B');
    if (!state) return self.replace(chain(s('redis_echo', 'In/Out C'), immutable('second_order_replace2', true)));
  });
  function immutable(name: string, ...args: unknown[]): AnySignature {
    return app.signature({ task: named(name), args, immutable: true } as never);
  }
  app.task(named('fail'), (...more: unknown[]) => {
    const args = ['Task expected to fail', ...more];
    const python = { exc_type: 'ExpectedException', exc_message: args, exc_module: 't.integration.tasks' };
    throw Object.assign(new PythonLike(named('ExpectedException'), args.join(', ')), { python });
  });
  const chordOf = (header: AnySignature | AnySignature[]): AnySignature =>
    chord(header as never, s('add') as never) as never;
  const nested: Readonly<Record<string, () => AnySignature>> = {
    chain_chain: () => chain(chain(s('add'))),
    chain_group: () => chain(group([s('add')])),
    chain_chord: () => chain(chordOf([s('add')])),
    group_chain: () => group([chain(s('add'))]),
    group_group: () => group([group([s('add')])]),
    group_chord: () => group([chordOf([s('add')])]),
    chord_chain: () => chordOf([chain(s('add'))]),
    chord_group: () => chordOf(group([s('add')])),
    chord_chord: () => chordOf([chordOf([s('add')])]),
  };
  for (const [name, canvas] of Object.entries(nested))
    app.task(named(`return_nested_signature_${name}`), () => canvas().toJSON());
  app.task(named('rebuild_signature'), (data: ReturnType<AnySignature['toJSON']>) => {
    app.signature(data as never);
  });
  app.task({ name: named('fail_unpickleable'), params: ['foo', 'bar'] }, (foo: string) => {
    throw unpickleable(foo);
  });
  app.task({ name: named('fail_replaced'), bind: true }, (self, ...args: unknown[]) =>
    self.replace(immutable('fail', ...args)),
  );
  app.task(
    { name: 'auto_retry_class_task', bind: true, maxRetries: 1, autoretryFor: [Error], retryBackoff: true },
    (self) => {
      if (self.retries > 0) return self.retries;
      throw new PythonLike('ValueError', '');
    },
  );
  app.task({ name: named('errback_old_style'), params: ['request_id'] }, async (id: string) => {
    await redis.incr(id);
    return id;
  });
  app.task(named('errback_new_style'), async (id: string) => {
    await redis.incr(id);
    return id;
  });
  app.task(
    { name: named('retry_unpickleable'), bind: true, params: ['foo', 'bar', 'retry_kwargs'] },
    (self, foo: string, _bar: string, { countdown, max_retries: maxRetries }: Record<string, number>) =>
      self.retry({
        exc: unpickleable(foo),
        countdown: (countdown as number) * 1_000,
        maxRetries: maxRetries as number,
      }),
  );
  app.task({ name: named('return_priority'), bind: true }, (self) => `Priority: ${wirePriority(self.priority)}`);
  app.task(named('replaced_with_me'), () => true);
  app.task({ name: named('replace_with_stamped_task'), bind: true, params: ['replace_with'] }, (self) =>
    self.replace(s('replaced_with_me').set({ stamps: { StampOnReplace: 'This is the replaced task' } })),
  );
  app.task(named('add_pydantic'), ({ x, y }: { x: number; y: number }) => ({ result: x + y }));
  app.task(named('add_pydantic_string_annotations'), ({ x, y }: { x: number; y: number }) => ({ result: x + y }));
  app.task({ name: named('reject_then_succeed'), bind: true }, (self) => {
    if (self.attempt === 1) throw new Reject('again', { requeue: true });
    return 'second-pass';
  });
}
