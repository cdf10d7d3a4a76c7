import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { run, startRedis } from '../test/support.ts';

it('09-wordcount: one worker and two count what one process counts', { timeout: 60_000 }, async (context) => {
  const folder = mkdtempSync(join(tmpdir(), 'lovage-wordcount-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const url = (await startRedis(context)).replace('redis://', 'redis+streams://');
  const args = ['--file', join(folder, 'corpus.txt'), '--megabytes', '1', '--chunk', '150000'];
  const { code, stdout } = await run(['examples/09-wordcount/main.ts', ...args], { LOVAGE_BROKER_URL: url });
  expect(code).toBe(0);
  const answers = [...stdout.matchAll(/: (\d+) words, (\d+) distinct \((\w+)\)/g)].map(([, ...found]) => found.join());
  expect(answers).toHaveLength(3);
  expect(new Set(answers).size).toBe(1);
  expect(stdout.match(/\[#{30}\] (\d+) of \1 chunks/g)).toHaveLength(2);
});
