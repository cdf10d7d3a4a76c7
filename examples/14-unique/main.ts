// One task for many calls: unique, replaced, throttled, debounced, idempotent.
import { type AsyncResult, Lovage, TaskNotUniqueError, TaskRevokedError } from 'lovage';
import { startWorker } from 'lovage/worker';

const app = new Lovage('unique', { logLevel: 'silent', conf: { taskDefaultQueue: 'unique' } });

const runs: string[] = [];
const run = (what: string) => (name: string) => {
  runs.push(`${what} ${name}`);
  return `${what} ${name}`;
};
const sync = app.task({ name: 'sync', unique: true }, run('sync'));
const report = app.task({ name: 'report', unique: { onConflict: 'reject' } }, run('report'));
const render = app.task(
  { name: 'render', unique: { key: ([page]) => page, scope: 'queued', onConflict: 'replace' } },
  (page: string, version: number) => run('render')(`${page} v${version}`),
);
const refresh = app.task({ name: 'refresh', throttle: '1h' }, run('refresh'));
const save = app.task({ name: 'save', debounce: { period: '300ms', key: () => 'doc' } }, run('save'));
const charge = app.task({ name: 'charge', idempotencyKey: ([order]) => order }, run('charge'));

// No worker runs yet, so these wait. Other processes would be answered the same way.
const [a, b] = [await sync.delay('north'), await sync.delay('north')];
console.log(`unique: the second call has the first one's result: ${a.id === b.id}`);

const first = await report.delay('may');
const refused = await report.delay('may').catch((error: unknown) => error);
console.log(`reject: ${refused instanceof TaskNotUniqueError && refused.taskId === first.id ? refused.name : refused}`);

const versions = [await render.delay('home', 1), await render.delay('home', 2)];
const typed: AsyncResult<string>[] = [];
for (const text of ['h', 'he', 'hello']) typed.push(await save.delay(text));

await startWorker(app, { queues: ['unique'] });

for (const result of [...versions, ...typed]) {
  const end = await result.get({ timeout: '10s' }).catch((error: unknown) => error);
  console.log(end instanceof TaskRevokedError ? `  revoked (${end.reason})` : `  ${end}`);
}

console.log(`throttle: ${await refresh.call(['feed'])}, and again: ${await refresh.call(['feed'])}`);
console.log(`idempotent: ${await charge.call(['o-1'])}, and again: ${await charge.call(['o-1'])}`);
await Promise.all([a.get(), first.get()]);
console.log(`runs: ${runs.sort().join(', ')}`);
await app.close();
