import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { expect } from 'vitest';
import type { Lovage } from '../src/app/app.ts';
import type { Task } from '../src/app/task-handle.ts';
import { chain } from '../src/canvas/chain.ts';
import { chord } from '../src/canvas/chord.ts';
import { group } from '../src/canvas/group.ts';
import type { AnySignature } from '../src/canvas/signature.ts';
import type { AsyncResult } from '../src/results/async-result.ts';
import { GroupResult } from '../src/results/group-result.ts';

/** What a task of the model does. */
export type Deed = 'ok' | 'fail' | 'retry' | 'replace' | 'replace-chord' | 'replace-fail' | 'ignored' | 'big' | 'add';

/** A canvas of the model. */
export type Node =
  | { readonly kind: 'task'; readonly id: number; readonly deed: Deed }
  | { readonly kind: 'chain'; readonly steps: readonly Node[] }
  | { readonly kind: 'group'; readonly members: readonly Node[] }
  | { readonly kind: 'chord'; readonly header: readonly Node[]; readonly body: Node };

/** What a canvas comes to: its value, or the errors of which one is the original. */
export type Verdict = { readonly value: unknown } | { readonly errors: readonly string[] };

const digest = (id: number | string, input: unknown): string =>
  `${id}:${createHash('sha1')
    .update(JSON.stringify(input ?? null))
    .digest('hex')
    .slice(0, 8)}`;
const bulk = 'x'.repeat(20_000);

/** The meaning of canvases, a few lines a kind. Groups directly inside groups are their members. */
export function interpret(node: Node, input: unknown): Verdict {
  switch (node.kind) {
    case 'task':
      return interpretTask(node, input);
    case 'chain':
      return node.steps.reduce<Verdict>(
        (before, step) => ('value' in before ? interpret(step, before.value) : before),
        {
          value: input,
        },
      );
    case 'chord':
      return interpret({ kind: 'chain', steps: [{ kind: 'group', members: node.header }, node.body] }, input);
    case 'group': {
      const verdicts = flat(node.members).map((member) => interpret(member, input));
      const errors = verdicts.flatMap((verdict) => ('errors' in verdict ? verdict.errors : []));
      return errors.length > 0 ? { errors } : { value: verdicts.map((verdict) => 'value' in verdict && verdict.value) };
    }
  }
}

function interpretTask({ id, deed }: Extract<Node, { kind: 'task' }>, input: unknown): Verdict {
  if (deed === 'fail' || deed === 'replace-fail') return { errors: [`failure of ${id}`] };
  if (deed === 'replace-chord') return { value: digest(id, [digest(`${id}a`, input), digest(`${id}b`, input)]) };
  return { value: deed === 'big' ? digest(id, input) + bulk : digest(id, input) };
}

function flat(members: readonly Node[]): readonly Node[] {
  return members.flatMap((member) => (member.kind === 'group' ? flat(member.members) : [member]));
}

/** Defines the model's task and builds canvases of it. */
export function defineModel(app: Lovage): (node: Node) => AnySignature {
  const value = app.task('value', (input: unknown, id: string) => digest(id, input));
  const body = app.task('body', (list: unknown, id: number) => digest(id, list));
  const work = app.task({ name: 'work', bind: true }, async (self, input: unknown, id: number, deed: Deed) => {
    if (deed === 'fail') throw new Error(`failure of ${id}`);
    if (deed === 'retry' && self.retries < 1) throw self.retry({ countdown: 0 });
    if (deed === 'replace') throw self.replace(work.s(input, id, 'retry'));
    if (deed === 'replace-fail')
      throw self.replace(chain(work.s(input, id, 'ok'), work.s(id, 'fail'), work.s(0, 'ok')));
    if (deed === 'replace-chord') {
      throw self.replace(chord([value.s(input, `${id}a`), value.s(input, `${id}b`)], body.s(id)));
    }
    return deed === 'big' ? digest(id, input) + bulk : digest(id, input);
  }) as Task<unknown[], unknown>;
  const build = (node: Node): AnySignature => {
    switch (node.kind) {
      case 'task':
        return work.s(node.id, node.deed).set(node.deed === 'ignored' ? { ignoreResult: true } : {});
      case 'chain':
        return chain(...(node.steps.map(build) as [AnySignature]));
      case 'group':
        return group(node.members.map(build));
      case 'chord':
        return chord(node.header.map(build), build(node.body));
    }
  };
  return build;
}

const deeds: fc.Arbitrary<Deed> = fc.oneof(
  { weight: 8, arbitrary: fc.constant<Deed>('ok') },
  { weight: 3, arbitrary: fc.constantFrom<Deed>('retry', 'ignored', 'big', 'replace', 'replace-chord') },
  { weight: 1, arbitrary: fc.constantFrom<Deed>('fail', 'replace-fail') },
);

const { tree } = fc.letrec<{ tree: Node; task: Node }>((tie) => ({
  task: deeds.map((deed): Node => ({ kind: 'task', id: 0, deed })),
  tree: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    tie('task'),
    fc.array(tie('tree'), { minLength: 1, maxLength: 4 }).map((steps): Node => ({ kind: 'chain', steps })),
    fc.array(tie('tree'), { minLength: 0, maxLength: 4 }).map((members): Node => ({ kind: 'group', members })),
    fc
      .tuple(fc.array(tie('tree'), { minLength: 0, maxLength: 3 }), tie('tree'))
      .map(([header, body]): Node => ({ kind: 'chord', header, body })),
  ),
}));

/** Canvases of up to forty tasks, each with a number of its own. */
export const canvases: fc.Arbitrary<Node> = tree
  .map((node) => numbered(node, { next: 1 }))
  .filter((node) => sizeOf(node) <= 40 && hasTask(node)); // without a task nobody knows the app

function numbered(node: Node, counter: { next: number }): Node {
  const each = (list: readonly Node[]) => list.map((one) => numbered(one, counter));
  switch (node.kind) {
    case 'task':
      return { ...node, id: counter.next++ };
    case 'chain':
      return { ...node, steps: each(node.steps) };
    case 'group':
      return { ...node, members: each(node.members) };
    case 'chord':
      return { ...node, header: each(node.header), body: numbered(node.body, counter) };
  }
}

function hasTask(node: Node): boolean {
  if (node.kind === 'task') return true;
  if (node.kind === 'chord') return [...node.header, node.body].some(hasTask);
  return (node.kind === 'chain' ? node.steps : node.members).some(hasTask);
}

function sizeOf(node: Node): number {
  const sum = (list: readonly Node[]) => list.reduce((total, one) => total + sizeOf(one), 1);
  if (node.kind === 'task') return 1;
  if (node.kind === 'chord') return sum([...node.header, node.body]);
  return sum(node.kind === 'chain' ? node.steps : node.members);
}

/** A failure is compared by whether it is one of those that may have come first. */
export function expected(verdict: Verdict): unknown {
  return 'value' in verdict ? verdict : { error: expect.toBeOneOf([...verdict.errors]) };
}

/** What a canvas that was sent came to. */
export async function verdictOf(app: Lovage, result: AsyncResult): Promise<unknown> {
  const whole = result instanceof GroupResult ? result : app.asyncResult(result.id); // one that does not ignore its value
  try {
    return { value: await whole.get({ timeout: 5000 }) };
  } catch (error) {
    const own =
      (error as { remoteName?: string }).remoteName === 'DependencyFailedError' ? (error as Error).cause : error;
    return { error: (own as Error).message };
  }
}
