// Request and reply: `call()` sends a task and awaits its value, like a function in another process.
import { Lovage } from 'lovage';
import { startWorker } from 'lovage/worker';

const app = new Lovage('request-reply', { logLevel: 'error' });
const greet = app.task({ name: 'greeter.greet', queue: 'greeter' }, (message: string) => `Hello, ${message}`);

await startWorker(app, { queues: ['greeter'] });
await greet.call(['warm-up'], { timeout: '5s' }); // connects, and lets V8 see the code once

const latencies: number[] = [];
for (const message of ['world', 'Redis', 'and goodbye']) {
  const asked = performance.now();
  const answer = await greet.call([message], { timeout: '5s' });
  latencies.push(performance.now() - asked);
  console.log(answer);
}
console.log(`round trip: ${latencies.map((ms) => `${ms.toFixed(2)} ms`).join(', ')}`);

await app.close();
