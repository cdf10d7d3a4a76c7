import { expectTypeOf } from 'vitest';
import { z } from 'zod';
import { Lovage } from '../app/app.ts';
import type { AsyncResult } from '../results/async-result.ts';
import type { GroupResult } from '../results/group-result.ts';
import { type Chain, chain } from './chain.ts';
import { type Chord, chord } from './chord.ts';
import { gate } from './gate.ts';
import { type Group, group } from './group.ts';
import type { Signature } from './signature.ts';

const app = new Lovage('types');
const add = app.task('add', (x: number, y: number) => x + y);
const len = app.task('len', (text: string) => text.length);
const shout = app.task('shout', async (text: string) => text.toUpperCase());
const xsum = app.task('xsum', (list: number[]) => list.length);
const pair = app.task('pair', (both: readonly [number, string]) => both[1]);
const nothing = app.task('nothing', () => {});
const maybe = app.task('maybe', (value?: number) => value ?? 0);
const anything = app.task('anything', (value: unknown) => value);
const never = app.task('never', (): never => {
  throw new Error('always');
});
const user = app.task('user', (id: number) => ({ id, name: 'a' }));
const greet = app.task('greet', (who: { name: string }, loud: boolean) => (loud ? who.name : ''));

// 1–6: pipes
expectTypeOf(add.s(2, 2).pipe(add.s(4))).toEqualTypeOf<Signature<[], number>>();
expectTypeOf(add.s(4).pipe(add.s(8))).toEqualTypeOf<Signature<[x: number], number>>();
expectTypeOf(add.s(1, 1).pipe(add.s(2)).pipe(add.s(3)).call([])).resolves.toEqualTypeOf<number>();
expectTypeOf(len.s('a').pipe(add.s(1))).toEqualTypeOf<Signature<[], number>>();
expectTypeOf(shout.s('a').pipe(len.s())).toEqualTypeOf<Signature<[], number>>();
expectTypeOf(user.s(1).pipe(greet.s(true))).toEqualTypeOf<Signature<[], string>>();
// 7–11: steps that do not fit
// @ts-expect-error a number is no text
len.s('a').pipe(len.s());
// @ts-expect-error two arguments are still open
add.s(1, 1).pipe(add.s());
// @ts-expect-error a text is no number
shout.s('a').pipe(add.s(1));
// @ts-expect-error a number has no name
add.s(1, 1).pipe(greet.s(false));
// @ts-expect-error the last argument of greet is a boolean
user.s(1).pipe(greet.s('loud'));
// 12–16: what fits anything, and what anything fits
expectTypeOf(len.s('a').pipe(add.si(1, 1))).toEqualTypeOf<Signature<[], number>>();
expectTypeOf(anything.s(1).pipe(add.s(1))).toEqualTypeOf<Signature<[], number>>();
expectTypeOf(never.s().pipe(add.s(1))).toEqualTypeOf<Signature<[], number>>();
expectTypeOf(add.s(1, 1).pipe(maybe.s())).toEqualTypeOf<Signature<[], number>>();
expectTypeOf(nothing.s().pipe(anything.s())).toEqualTypeOf<Signature<[], unknown>>();
// 17–21: chains
expectTypeOf(chain(add.s(4, 4), add.s(8), add.s(16))).toEqualTypeOf<Chain<[], number>>();
expectTypeOf(chain(add.s(4), shout.si('a'), len.s())).toEqualTypeOf<Chain<[x: number], number>>();
expectTypeOf(chain(add.s(1, 1)).delay()).resolves.toEqualTypeOf<AsyncResult<number>>();
// @ts-expect-error the second step takes a text
chain(add.s(1, 1), len.s());
// @ts-expect-error the third step takes a text
chain(add.s(1, 1), add.s(1), len.s());
// 22–28: groups
expectTypeOf(group([add.s(1, 1), len.s('a')])).toEqualTypeOf<Group<[], [number, number]>>();
expectTypeOf(group([add.s(1, 1), shout.s('a')]).call([])).resolves.toEqualTypeOf<[number, string]>();
expectTypeOf(group(add.s(1, 1), shout.s('a'))).toEqualTypeOf<Group<[], [number, string]>>();
expectTypeOf(group(add.s(1), add.s(2)).delay(3)).resolves.toEqualTypeOf<GroupResult<[number, number]>>();
expectTypeOf(group([1, 2, 3].map((n) => add.s(n, n)))).toEqualTypeOf<Group<[], number[]>>();
expectTypeOf(group(group(add.s(1, 1), group(shout.s('a'))), len.s('a'))).toEqualTypeOf<
  Group<[], [number, string, number]>
>();
expectTypeOf(group(add.s(1, 1), chain(add.s(1, 1), group(add.s(1), add.s(2))))).toEqualTypeOf<
  Group<[], [number, [number, number]]>
>();
// @ts-expect-error an argument is still open
group(add.s(1), add.s(2)).delay();
async function* source(): AsyncGenerator<Signature<[], number>> {
  yield add.s(1, 1);
}
expectTypeOf(group(source())).toEqualTypeOf<Group<[], number[]>>();
// 29–35: chords, and groups in chains
expectTypeOf(chord([add.s(2, 2), add.s(4, 4)], xsum.s())).toEqualTypeOf<Chord<[], number>>();
expectTypeOf(chord([add.s(2, 2), shout.s('a')], pair.s())).toEqualTypeOf<Chord<[], string>>();
expectTypeOf(chord(source(), xsum.s())).toEqualTypeOf<Chord<[], number>>();
expectTypeOf(chord(group(add.s(1), add.s(2)), xsum.s())).toEqualTypeOf<Chord<[x: number], number>>();
expectTypeOf(chain(add.s(1, 1), group(add.s(1), add.s(2)), xsum.s())).toEqualTypeOf<Chain<[], number>>();
expectTypeOf(group(add.s(1, 1), len.s('a')).pipe(xsum.s())).toEqualTypeOf<Signature<[], number>>();
// @ts-expect-error the body takes a list of numbers
chord([shout.s('a'), add.s(1, 1)], xsum.s());
// @ts-expect-error a list is no number
chain(group(add.s(1, 1), add.s(2, 2)), add.s(1));
// @ts-expect-error a member takes a text
chain(add.s(1, 1), group(add.s(1), len.s()));
// 36–40: map, starmap, chunks
expectTypeOf(len.map(['a', 'b'])).toEqualTypeOf<Signature<[], number[]>>();
expectTypeOf(add.starmap([[1, 2]])).toEqualTypeOf<Signature<[], number[]>>();
expectTypeOf(add.chunks([[1, 2]], 10)).toEqualTypeOf<Group<[], number[][]>>();
// @ts-expect-error numbers are no texts
len.map([1]);
// @ts-expect-error one argument is missing
add.starmap([[1]]);
// 41–44: links
add.s(1, 1).link(add.s(1)).linkError(shout.s());
// @ts-expect-error the callback takes a text
add.s(1, 1).link(len.s());
// @ts-expect-error an error callback is given an id
add.s(1, 1).linkError(add.s(1));
expectTypeOf(add.s(1).set({ queue: 'a' }).stamp({ customer: 1 }).clone()).toEqualTypeOf<
  Signature<[x: number], number>
>();
// 45–46: schemas: what the handler sees is what is piped
const isoDate = z.codec(z.iso.datetime(), z.date(), {
  decode: (text) => new Date(text),
  encode: (date) => date.toISOString(),
});
const next = app.task({ name: 'next', args: z.tuple([isoDate]), returns: isoDate }, (when) => when);
expectTypeOf(next.s(new Date()).pipe(next.s())).toEqualTypeOf<Signature<[], Date>>();
// @ts-expect-error a number is no date
add.s(1, 1).pipe(next.s());

// fifty steps
const s = add.s(1);
expectTypeOf(
  // biome-ignore format: fifty of one
  chain(
    add.s(1, 1), s, s, s, s, s, s, s, s, s, s, s, s, s, s, s, s, s, s, s, s, s, s, s, s,
    s, s, s, s, s, s, s, s, s, s, s, s, s, s, s, s, s, s, s, s, s, s, s, s, s,
  ),
).toEqualTypeOf<Chain<[], number>>();

const ship = app.task('ship', (answer: { by: string }) => answer.by);
// a gate takes whatever comes, and gives what it is said to
expectTypeOf(chain(add.s(1, 2), gate<{ by: string }>('g'), ship.s())).toEqualTypeOf<Chain<[], string>>();
expectTypeOf(gate<number>('g').pipe(add.s(1))).toEqualTypeOf<Signature<[unknown?], number>>();
// @ts-expect-error the next step takes something else
chain(add.s(1, 2), gate<{ by: string }>('g'), add.s(1));
// @ts-expect-error the default is what it gives
gate<number>('g', { default: 'text' });
