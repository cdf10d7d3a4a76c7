import { expectTypeOf } from 'vitest';
import { at, chain, crontab, every, group, type Lock, Lovage } from '../index.ts';

const app = new Lovage('types');
const none = app.task('none', () => 1);
const optional = app.task('optional', (n?: number) => n);
const one = app.task('one', (n: number) => n);

app.schedule('a', every('1s'), none.s());
app.schedule('b', crontab('* * * * *', { tz: 'Europe/Paris' }), one.s(1), { catchUp: { all: 5 }, overlap: 'queue' });
app.schedule('c', crontab({ minute: [0, 30], dayOfWeek: 'mon-fri' }), optional.s());
app.schedule('d', at(new Date()), chain(none.s(), one.s()));
app.schedule('e', every(1000), group([none.s(), one.s(1)]));
// @ts-expect-error an argument is still open
app.schedule('f', every('1s'), one.s());
// @ts-expect-error the task is no signature
app.schedule('g', every('1s'), none);
// @ts-expect-error text is no time
app.schedule('h', '* * * * *', none.s());
// @ts-expect-error no such policy
app.schedule('i', every('1s'), none.s(), { catchUp: 'all' });
// @ts-expect-error no such field
crontab({ minutes: 1 });

expectTypeOf(app.lock('a')).resolves.toEqualTypeOf<Lock>();
expectTypeOf<Lock['fence']>().toEqualTypeOf<number>();
expectTypeOf<Lock['signal']>().toEqualTypeOf<AbortSignal>();
app.elect('a', {
  onLeader: (signal, fence) => expectTypeOf({ signal, fence }).toEqualTypeOf<{ signal: AbortSignal; fence: number }>(),
});
