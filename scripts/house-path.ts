import { Session } from 'node:inspector/promises';
import { Lovage } from '../packages/core/src/index.ts';
import { silentLogger } from '../packages/core/src/logger.ts';
import { startWorker } from '../packages/core/src/worker.ts';
import type { Measure } from './house-measures.ts';

interface Coverage {
  readonly url: string;
  readonly functions: readonly {
    readonly functionName: string;
    readonly ranges: readonly { readonly count: number }[];
  }[];
}

/**
 * The files that a task passes through, from `delay` over the handler to `get()`: the sources of core in which a function ran
 * meanwhile, by V8's own count. On memory://, since a driver is a choice; after a first task, which opens what is opened once.
 */
export async function filesOfATask(): Promise<readonly string[]> {
  const app = new Lovage('path', { broker: 'memory://', logger: silentLogger });
  const add = app.task('add', (one: number, other: number) => one + other);
  const worker = await startWorker(app);
  await (await add.delay(1, 1)).get();
  const session = new Session();
  session.connect();
  await session.post('Profiler.enable');
  await session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: false });
  await session.post('Profiler.takePreciseCoverage');
  await (await add.delay(2, 3)).get();
  const { result } = (await session.post('Profiler.takePreciseCoverage')) as { result: readonly Coverage[] };
  session.disconnect();
  await worker.close();
  await app.close();
  return result
    .filter(hasRun)
    .map(({ url }) => url.replace(/^.*\/packages\//, '').replace(/\?.*$/, ''))
    .sort();
}

function hasRun({ url, functions }: Coverage): boolean {
  return (
    /\/packages\/[\w-]+\/src\//.test(url) &&
    functions.some(({ functionName, ranges }) => functionName !== '' && (ranges[0]?.count ?? 0) > 0)
  );
}

/** {@link filesOfATask} as a measure. */
export async function measurePath(): Promise<Measure> {
  const files = await filesOfATask();
  return { name: 'files of core that one task runs through', value: files.length, bound: 42, wanted: 30, worst: files };
}
