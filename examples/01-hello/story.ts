// How the hello example prints: nothing here is about tasks.
import { styleText } from 'node:util';

const coloured = process.stdout.isTTY && !process.env['NO_COLOR'];
const paint = (style: 'bold' | 'dim' | 'green', text: string): string => (coloured ? styleText(style, text) : text);

let steps = 0;

export function banner(about: string): void {
  console.log(`\n  ${paint('green', paint('bold', 'Lovage'))} · a task queue for TypeScript · ${about}`);
}

/** A numbered step, and the line of code it is about. */
export function step(title: string, code: string): void {
  steps += 1;
  console.log(`\n  ${paint('bold', `${steps}. ${title}`)}\n     ${paint('dim', code)}`);
}

/** One thing that happened. */
export function line(what: string, value: unknown): void {
  console.log(`     ${what.padEnd(22)} ${String(value)}`);
}

export function next(counts: { succeeded: number; failed: number; retried: number }, ms: number): void {
  const { succeeded, failed, retried } = counts;
  console.log(`
  ${paint('green', 'Done.')} ${succeeded} tasks succeeded, ${failed} failed, ${retried} retries, in ${(ms / 1000).toFixed(2)} s. Everything is closed.

  Next: two queues and one worker, still without Redis
     ${paint('bold', 'npx tsx examples/03-first-program/main.ts')}
  With a Redis and a worker in a process of its own
     ${paint('bold', 'redis-server --port 6379 &')}
     ${paint('bold', 'npx lovage worker -A ./examples/02-two-processes/tasks.ts &')}
     ${paint('bold', 'npx tsx examples/02-two-processes/producer.ts')}
  The program you just saw: examples/01-hello/main.ts; the guide: docs/getting-started.md
`);
}
