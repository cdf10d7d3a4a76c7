import { Lovage } from 'lovage';
import { startWorker } from 'lovage/worker';
import { afterEach, describe, expect, it } from 'vitest';
import { createProject, noRedis, start } from '../../cli/test/run-cli.ts';
import { useRedis } from '../../redis/test/use-redis.ts';
import { serveDashboard } from '../src/index.ts';
import { missingChromium, useBrowser } from './browser.ts';

const missing = missingChromium ?? noRedis;
const browser = useBrowser();
const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

const tasks = `
import { Lovage } from 'lovage';
export const app = new Lovage('stuck', { prefix: 'stuck' });
export const spin = app.task('spin', () => { for (;;); });
`;

describe.skipIf(missing !== undefined)(`three faults${missing ? `: ${missing}` : ''}`, () => {
  const redis = useRedis();

  async function serve(app: Lovage): Promise<string> {
    closers.push(() => app.close());
    const server = await serveDashboard(app, { port: 0 });
    closers.push(() => server.close());
    return server.url;
  }

  it('are told apart on Now: a failing task, a stuck worker, a queue that grows', { timeout: 60_000 }, async () => {
    const failing = new Lovage('failing', { broker: redis.server.url, prefix: 'failing' });
    const fail = failing.task('refund', () => {
      throw new TypeError('no such account');
    });
    await startWorker(failing, { maxEventLoopBlock: 0 });

    const growing = new Lovage('growing', { broker: redis.server.url, prefix: 'growing' });
    let release = (): void => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    const slow = growing.task('resize', () => held);
    await startWorker(growing, { concurrency: 1, maxEventLoopBlock: 0 });

    const cwd = createProject({ 'package.json': '{"type":"module"}', 'tasks.js': tasks });
    const worker = start(['worker', '--broker', redis.server.url, '--name', 'w1', '--log-format', 'json'], { cwd });
    await worker.says(/"ready"/);
    const stuck = new Lovage('stuck', { broker: redis.server.url, prefix: 'stuck' });

    const [failingPage, growingPage, stuckPage] = await Promise.all(
      [failing, growing, stuck].map(async (app) => browser.open(await serve(app))),
    );
    if (!failingPage || !growingPage || !stuckPage) throw new Error('no page');
    const says = (page: typeof failingPage, text: RegExp) =>
      page.getByRole('heading', { level: 1, name: text }).waitFor({ timeout: 40_000 });
    await says(stuckPage, /All is well/);
    await stuck.sendTask('spin');
    for (let index = 0; index < 5; index += 1) await fail.delay();
    const sending = setInterval(() => void Promise.all(Array.from({ length: 10 }, () => slow.delay())), 200);
    await Promise.all([
      says(failingPage, /^problem: Task refund fails: 5 of 5/),
      says(stuckPage, /^problem: Worker w1 is stuck: no answer/),
      says(growingPage, /^problem: Queue \S+ grows: \d+ wait/),
    ]).finally(() => clearInterval(sending));
    expect(await failingPage.getByText('TypeError: no such account').count()).toBeGreaterThan(0);
    release();
    worker.kill('SIGKILL');
  });
});
