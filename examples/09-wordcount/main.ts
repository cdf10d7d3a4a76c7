// Counts the words of a corpus on one worker process and on two, and once more in this process to check the answers.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createReadStream, existsSync, statSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { writeCorpus } from './corpus.ts';
import { app, wordCount } from './tasks.ts';
import { addUp, countWords, type Summary, summarise } from './words.ts';

const { values } = parseArgs({
  options: {
    file: { type: 'string', default: 'corpus.txt' },
    megabytes: { type: 'string', default: '100' },
    workers: { type: 'string', default: '1,2' },
    chunk: { type: 'string', default: '1000000' },
  },
});
const { file } = values;
if (!existsSync(file)) {
  console.log(`making ${file}, ${values.megabytes} MB of text`);
  await writeCorpus(file, Number(values.megabytes) * 1e6);
}
const size = statSync(file).size;
const expected = await countHere();
for (const count of values.workers.split(',').map(Number)) await countThere(count);
for (const [word, count] of expected.top) console.log(`${String(count).padStart(10)} ${word}`);
await app.close();

/** In this process alone, line by line. */
async function countHere(): Promise<Summary> {
  const started = performance.now();
  const parts: Record<string, number>[] = [];
  let lines: string[] = [];
  const flush = (): void => {
    parts.push(countWords(lines.join('\n')));
    lines = [];
  };
  for await (const line of createInterface({ input: createReadStream(file) })) if (lines.push(line) === 20_000) flush();
  flush();
  const summary = summarise(addUp(parts));
  report('in one process, without workers', summary, performance.now() - started);
  return summary;
}

async function countThere(workers: number): Promise<void> {
  const children = await Promise.all(Array.from({ length: workers }, startWorkerProcess));
  try {
    const started = performance.now();
    const result = await wordCount(file, size, Number(values.chunk)).applyAsync([]);
    await showProgress(`${result.id}~0`);
    const summary = await result.get({ timeout: '10m' });
    report(`on ${workers} worker${workers === 1 ? '' : 's'}`, summary, performance.now() - started);
    if (summary.digest !== expected.digest) throw new Error(`the counts differ: ${JSON.stringify(summary)}`);
  } finally {
    for (const child of children) child.kill('SIGTERM');
    await Promise.all(children.map((child) => child.exitCode ?? once(child, 'exit')));
  }
}

/** A bar that grows with every chunk: the header of a chord is a group like any other. */
async function showProgress(group: string): Promise<void> {
  const header = app.groupResult(group);
  const total = await header.size();
  let done = 0;
  for await (const _chunk of header.iterate({ timeout: '10m' })) {
    done += 1;
    const filled = Math.round((30 * done) / total);
    if (process.stdout.isTTY)
      process.stdout.write(`\r[${'#'.repeat(filled).padEnd(30, '.')}] ${done} of ${total} chunks`);
  }
  console.log(`${process.stdout.isTTY ? '\r' : ''}[${'#'.repeat(30)}] ${done} of ${total} chunks`);
}

function report(where: string, { words, distinct, digest }: Summary, ms: number): void {
  const rate = (size / 1e6 / (ms / 1000)).toFixed(1);
  console.log(`${where}: ${words} words, ${distinct} distinct (${digest}), ${(ms / 1000).toFixed(1)} s, ${rate} MB/s`);
}

async function startWorkerProcess() {
  const script = fileURLToPath(new URL('worker.ts', import.meta.url));
  const child = spawn(process.execPath, [...process.execArgv, script], { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(child.stdout, 'data'); // it says that it is ready
  return child;
}
