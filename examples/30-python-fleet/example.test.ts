import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, onTestFinished } from 'vitest';
import { missingCelery, pythonWithCelery } from '../../packages/celery/test/python-celery.ts';
import { start, startRedis } from '../test/support.ts';

const folder = fileURLToPath(new URL('.', import.meta.url));

describe.skipIf(missingCelery !== undefined)(`30-python-fleet${missingCelery ? `: ${missingCelery}` : ''}`, () => {
  it('one chord across both languages, asked for over HTTP', { timeout: 180_000 }, async (context) => {
    const url = await startRedis(context);
    const worker = start(['examples/30-python-fleet/worker.ts'], { LOVAGE_BROKER_URL: `celery+${url}` });
    python(url, '-m', 'celery', '-A', 'fleet', 'worker', '-Q', 'python', '-P', 'solo');
    const producer = python(url, 'producer.py');
    const address = await new Promise<string>((resolve) => {
      producer.stdout.on('data', (line: Buffer) => resolve(line.toString().trim()));
    });
    await worker.prints(/Python says that France ordered 4000/);

    expect(await (await fetch(address)).json()).toEqual({ orders: 6, euros: 41.97 });
  });
});

function python(url: string, ...args: string[]) {
  const env = { ...process.env, FLEET_REDIS_URL: url, PORT: '0', PYTHONDONTWRITEBYTECODE: '1' };
  const child = spawn(pythonWithCelery, args, { cwd: folder, env, stdio: ['ignore', 'pipe', 'ignore'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  return child;
}
