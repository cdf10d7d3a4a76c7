import { redisDriver } from './dist/index.js';
import { systemClock, newTaskId } from '@lovage/core/driver';
import { Queue, Worker } from 'bullmq';
import Redis from 'ioredis';
const url = 'redis://127.0.0.1:7391/0';
const N = Number(process.env.N ?? 20000), C = Number(process.env.C ?? 100), R = Number(process.env.R ?? 5);
const logger = { debug(){}, info(){}, warn: console.warn, error: console.error, child(){ return logger } };
const mk = () => new Redis(7391, '127.0.0.1', { maxRetriesPerRequest: null });
const c = mk();
async function raw() {
  const name = `raw${Date.now()}`; const q = new Queue(name, { connection: c });
  for (let i = 0; i < N; i += 500) await q.addBulk(Array.from({ length: 500 }, (_, k) => ({ name: 'math.add', data: { args: [i + k, 1] }, opts: { jobId: newTaskId() } })));
  let done = 0; const wc = mk(); await wc.ping();
  const cpu = process.cpuUsage(); const t0 = performance.now(); let w;
  await new Promise(res => { w = new Worker(name, async (job) => { if (++done === N) res(); return job.data.args[0] + job.data.args[1]; }, { connection: wc, concurrency: C, removeOnComplete: { count: 0 } }); });
  const dt = performance.now() - t0; const u = process.cpuUsage(cpu);
  await w.close(); await wc.quit(); await q.obliterate({ force: true });
  return [N / dt * 1000, (u.user + u.system) / N];
}
async function ours() {
  const conn = redisDriver.connect(url, { clock: systemClock, logger, prefix: 'o' + Date.now(), connection: { socketTimeout: 15000, connectTimeout: 5000 }, publishTimeout: 30000 });
  const b = conn.broker;
  for (let i = 0; i < N; i += 500) await b.publish(Array.from({ length: 500 }, (_, k) => ({ v: 1, id: newTaskId(), task: 'math.add', args: [i + k, 1], queue: 'q', priority: 0, retries: 0, sentAt: Date.now() })));
  let done = 0, con; if (process.env.PROF) { const { Session } = await import("inspector/promises"); var s = new Session(); s.connect(); await s.post("Profiler.enable"); await s.post("Profiler.start"); } const cpu = process.cpuUsage(); const t0 = performance.now(); let end;
  const fin = new Promise(r => { end = r; });
  con = await b.consume({ queues: ['q'], slots: C, worker: 'w', leaseDuration: 30000, orphanInterval: 10000, malformed: async e => { console.log(e); return { kind: 'ack' } }, onError: e => console.error('E', e) },
    async ({ message: m }) => { if (++done === N) end(); return { kind: 'ack', outcome: { record: { id: m.id, task: m.task, state: 'SUCCESS', value: m.args[0] + m.args[1], attempts: 1, at: Date.now(), worker: 'w' }, ttl: 86400000 } }; });
  await fin; if (process.env.PROF) { const { profile } = await s.post("Profiler.stop"); (await import("fs")).writeFileSync("/tmp/rb/p.cpuprofile", JSON.stringify(profile)); } const dt = performance.now() - t0; const u = process.cpuUsage(cpu);
  await con.close(2000); await conn.close(2000);
  return [N / dt * 1000, (u.user + u.system) / N];
}
const res = { raw: [], ours: [] };
if (process.env.ONLY === 'ours') { for (let i = 0; i < R; i++) { const r = await ours(); console.log(r); await c.flushdb(); } process.exit(0); }
for (let i = 0; i < R; i++) { res.raw.push(await raw()); res.ours.push(await ours()); await c.flushdb(); }
const med = (a, k) => a.map(x => x[k]).sort((x, y) => x - y)[a.length >> 1];
console.log('raw', med(res.raw, 0) | 0, 'ours', med(res.ours, 0) | 0, 'ratio', (med(res.ours, 0) / med(res.raw, 0)).toFixed(3), 'cpu us/job raw', med(res.raw, 1).toFixed(1), 'ours', med(res.ours, 1).toFixed(1), 'x', (med(res.ours,1)/med(res.raw,1)).toFixed(2));
process.exit(0);
