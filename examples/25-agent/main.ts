// A long agent loop as a workflow: each call of the model and of a tool is a stored step, so a crash repeats none of them, and whoever
// reads its output can stop and go on where he was.
import { Lovage, type Run } from 'lovage';
import { startWorker } from 'lovage/worker';

const app = new Lovage('agent', { broker: process.env.LOVAGE_BROKER_URL ?? 'memory://agent', logLevel: 'silent' });
const calls = { model: 0, tool: 0 };

/** Stands for a language model: it asks for the weather of each city, then answers. */
function model(
  cities: readonly string[],
  seen: readonly string[],
): { readonly tool: string } | { readonly answer: string } {
  calls.model += 1;
  const next = cities[seen.length];
  return next === undefined ? { answer: `${seen.join(', ')}: pack for ${seen.length} days` } : { tool: next };
}

const weather = app.task('weather', (city: string) => {
  calls.tool += 1;
  return `${city} ${city.length * 3} °C`;
});

const agent = app.workflow({ name: 'agent', timeout: '1d' }, async (w, cities: string[]) => {
  const seen: string[] = [];
  for (;;) {
    const turn = await w.step('think', () => model(cities, seen), { retries: 5, backoff: '1s', timeout: '2m' });
    if ('answer' in turn) return turn.answer;
    seen.push(await w.call(weather, [turn.tool]));
    if (seen.length === 2) await w.event('go on', { timeout: '1d', default: true }); // a person looks at it
  }
});

const first = await startWorker(app);
const run = await agent.start(['Oslo', 'Rome', 'Lima'], { id: 'trip' });
let last = 0;
for await (const step of run.steps()) {
  console.log(`${step.n} ${step.key}: ${JSON.stringify(step.value)}`);
  last = step.n ?? last;
  if (last === 4) break; // the reader goes, say: a browser that is closed
}
await first.close(); // the worker too: what it did stays done

await startWorker(app);
await run.send('go on', true);
const found: Run<string> = app.run('trip'); // in another process, by its id
for await (const step of found.steps({ after: last }))
  console.log(`${step.n} ${step.key}: ${JSON.stringify(step.value)}`);
console.log(await found.get({ timeout: '20s' }));
console.log(`${calls.model} calls of the model, ${calls.tool} of tools`);
await app.close();
