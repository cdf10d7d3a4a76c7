import { execFile, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { missingCelery, pythonWithCelery } from '../../packages/celery/test/python-celery.ts';
import { missingRabbitmq, RabbitmqServer } from '../../packages/celery/test/rabbitmq-server.ts';
import { run, start } from '../test/support.ts';

const folder = fileURLToPath(new URL('.', import.meta.url));
const missing = missingCelery ?? missingRabbitmq;

describe.skipIf(missing !== undefined)(`31-pyamqp${missing ? `: ${missing}` : ''}`, { timeout: 180_000 }, () => {
  let server: RabbitmqServer;

  beforeAll(async () => {
    server = await RabbitmqServer.start();
  }, 180_000);
  afterAll(() => server?.stop());

  const typescript = () => ({ LOVAGE_BROKER_URL: `celery+${server.url}` });
  const python = () => ({
    cwd: folder,
    env: { ...process.env, BROKER_URL: server.url.replace('amqp:', 'pyamqp:'), PYTHONDONTWRITEBYTECODE: '1' },
  });

  it('Python sends, TypeScript runs', async () => {
    const worker = start(['examples/31-pyamqp/worker.ts'], typescript());
    await worker.prints(/is ready/);
    const { stdout } = await promisify(execFile)(pythonWithCelery, ['producer.py'], python());
    expect(stdout).toBe('5\n6\n');
  });

  it('TypeScript sends, Python runs', async () => {
    const args = ['-m', 'celery', '-A', 'tasks', 'worker', '-Q', 'add,multiply', '-P', 'solo'];
    const worker = spawn(pythonWithCelery, args, { ...python(), stdio: 'ignore' });
    onTestFinished(() => void worker.kill('SIGKILL'));
    const { stdout, code } = await run(['examples/31-pyamqp/producer.ts'], typescript());
    expect(stdout).toBe('5\n6\n');
    expect(code).toBe(0);
  });
});
