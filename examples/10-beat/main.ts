// Periodic tasks: two beats, one leads; a slot runs once; an entry is added, paused and run by hand while they beat.
import { crontab, currentTask, every, Lovage } from 'lovage';
import { previewSlots, Schedules, startBeat } from 'lovage/beat';
import { startWorker } from 'lovage/worker';

const app = new Lovage('beats', { logLevel: 'silent', conf: { taskDefaultQueue: 'beats' } });

const slots = new Set<unknown>();
let twice = 0;
const tick = app.task('tick', () => {
  const slot = JSON.stringify(currentTask().headers['schedule']);
  if (slots.has(slot)) twice += 1;
  slots.add(slot);
});
const greet = app.task('greet', (name: string) => console.log(`  hello ${name}`));

app.schedule('tick', every('250ms'), tick.s());
app.schedule('nightly', crontab('30 2 * * *', { tz: 'Europe/Paris' }), tick.s(), { overlap: 'skip' });

await startWorker(app, { queues: ['beats'] });

// The second stands by, and leads at once when the first ends.
const [first, second] = [await startBeat(app), await startBeat(app)];
await ticks(4);
console.log(`first leads: ${first.leading}, second leads: ${second.leading}`);
await first.close();
await ticks(4);
console.log(`first leads: ${first.leading}, second leads: ${second.leading}`);
console.log(`slots that ran twice: ${twice}`);

console.log('at run time');
const schedules = new Schedules(app);
const { state, whenText } = await schedules.add('greetings', every('1h'), greet.s('world'));
console.log(`  added: ${whenText}, ${state}`);
await (await schedules.run('greetings')).get({ timeout: '5s' });
await schedules.pause('greetings');
console.log(`  paused: ${(await schedules.show('greetings')).state}`);
await schedules.remove('greetings');
console.log(`  left: ${(await schedules.list()).map(({ name }) => name).join(', ')}`);

console.log('02:30 in Paris around the change of clocks, 28 March 2027');
const when = crontab('30 2 * * *', { tz: 'Europe/Paris' });
const paris = new Intl.DateTimeFormat('sv', { timeZone: 'Europe/Paris', dateStyle: 'short', timeStyle: 'short' });
for (const slot of previewSlots(when, new Date('2027-03-26T12:00:00Z'), 3)) console.log(`  ${paris.format(slot)}`);

await app.close();

/** Resolves when `count` more slots have run. */
async function ticks(count: number): Promise<void> {
  const enough = slots.size + count;
  while (slots.size < enough) await new Promise((resolve) => setTimeout(resolve, 10));
}
