// Three ways to try again: by error class with backoff, by asking, and until the retries are spent.
import { Lovage, TaskFailedError } from 'lovage';
import { startWorker } from 'lovage/worker';

const app = new Lovage('retries', { logLevel: 'silent', conf: { taskDefaultQueue: 'retries' } });

class NetworkError extends Error {
  override name = 'NetworkError';
}

// Short delays, so that the example is; a real task would begin at a second or more, with jitter (the default).
const backoff = { retryBackoff: '50ms', retryBackoffMax: '200ms', retryJitter: false } as const;

const fetchPrice = app.task(
  { name: 'price.fetch', bind: true, autoretryFor: [NetworkError], maxRetries: 5, ...backoff },
  (self, symbol: string) => {
    report('fetchPrice', self.attempt);
    if (self.attempt < 4) throw new NetworkError('connection reset');
    return `${symbol} 42.17`;
  },
);

const waitForExport = app.task({ name: 'export.wait', bind: true }, (self, readyAfter: number) => {
  report('waitForExport', self.attempt);
  if (self.retries < readyAfter) throw self.retry({ countdown: '30ms' }); // not ready: look again in 30 ms
  return 'export.csv';
});

const hopeless = app.task(
  { name: 'hopeless', bind: true, autoretryFor: [NetworkError], maxRetries: 2, ...backoff },
  (self): never => {
    report('hopeless', self.attempt);
    throw new NetworkError(`no route to host (attempt ${self.attempt})`);
  },
);

await startWorker(app, { queues: ['retries'] });

let last = performance.now();
function report(task: string, attempt: number): void {
  const now = performance.now();
  console.log(
    `  ${task}: attempt ${attempt}${attempt === 1 ? '' : `, ${Math.round(now - last)} ms after the one before`}`,
  );
  last = now;
}

console.log('autoretryFor with backoff: 50, 100, 200 ms');
console.log(`  result: ${await fetchPrice.call(['ACME'], { timeout: '10s' })}`);

console.log('self.retry({ countdown })');
console.log(`  result: ${await waitForExport.call([2], { timeout: '10s' })}`);

console.log('maxRetries: 2, all spent');
const error = await hopeless.call([], { timeout: '10s' }).catch((thrown: unknown) => thrown);
if (error instanceof TaskFailedError) {
  console.log(`  ${error.name} after ${error.attempts} attempts: ${error.remoteName}: ${error.message}`);
}

await app.close();
