import { expect, it } from 'vitest';
import { ConfigurationError } from '../errors.ts';
import { startWorker } from '../worker/start-worker.ts';
import { Lovage } from './app.ts';
import { SharedTasks } from './shared-tasks.ts';

function makeApp(): Lovage {
  return new Lovage('late', { broker: 'memory://', logLevel: 'silent' });
}

it('tasks that were defined before their app run once they are registered with it', async () => {
  const shared = new SharedTasks();
  const add = shared.task('math.add', (x: number, y: number) => x + y);
  class Mailer {
    readonly from: string;
    constructor(from: string) {
      this.from = from;
    }
    async send(to: string): Promise<string> {
      return `${this.from} to ${to}`;
    }
  }
  const method = Object.getOwnPropertyDescriptor(Mailer.prototype, 'send') as PropertyDescriptor;
  shared.task({ name: 'mail.send', maxRetries: 1 })(Mailer.prototype, 'send', method);
  expect(() => add.delay(1, 2)).toThrow(ConfigurationError);
  expect(() => shared.tasksOf(new Mailer('x'))).toThrow(/call tasks.register\(app\) first/);

  await using app = makeApp();
  shared.register(app);
  const mail = shared.tasksOf(new Mailer('shop'));
  const later = shared.task('math.twice', (x: number) => 2 * x);
  await startWorker(app);
  expect(add.name).toBe('math.add');
  expect(await add(2, 3)).toBe(5);
  expect(await add.call([2, 3], { timeout: '60s' })).toBe(5);
  expect(await mail.send.call(['a@b.c'], { timeout: '60s' })).toBe('shop to a@b.c');
  expect(await add.s(4).pipe(later.s()).call([1], { timeout: '60s' })).toBe(10);
});

it('the handles are of the app that was registered last', async () => {
  const shared = new SharedTasks();
  const name = shared.task('who', () => 'x');
  await using first = makeApp();
  await using second = new Lovage('late', { broker: 'memory://second', logLevel: 'silent' });
  shared.register(first);
  shared.register(second);
  await startWorker(second);
  expect(await name.call([], { timeout: '60s' })).toBe('x');
});
