import { withDeadline } from '../clock.ts';
import type { Monitor } from '../driver/monitor.ts';
import type { Semaphore } from '../driver/semaphore.ts';
import type { WorkerReport } from '../events/worker-report.ts';
import { requestWhereBlocked } from '../flow/acquire-request.ts';
import type { Message } from '../message/message.ts';
import { formatDuration } from '../options/duration.ts';
import { AppInspect } from './app-control.ts';
import type { AppRuntime } from './app-runtime.ts';

/** What the explanation may cost a caller who has waited long enough, in milliseconds. */
const longestLook = 1_500;
const askTimeout = 300;

/** What is looked at. */
interface Scene {
  readonly monitor: Monitor;
  readonly semaphore: Semaphore | undefined;
  readonly workers: readonly WorkerReport[];
  readonly now: number;
}

/**
 * Why a task has not ended, in one clause: its queue has no consumer, is paused, is long; it waits for its time, or for a key, and who
 * holds that; or it runs, and where. undefined where that cannot be told in time. Never rejects.
 */
export async function explainWait(runtime: AppRuntime, id: string): Promise<string | undefined> {
  const look = async (): Promise<string | undefined> => {
    const { monitor, brokerConnection } = await runtime.stores.open();
    const { semaphore } = brokerConnection;
    if (!monitor?.find) return undefined;
    const asked = new AppInspect(runtime.control, runtime.stores).stats({ timeout: askTimeout });
    const [[message], replies] = await Promise.all([monitor.find([id]), asked.catch(() => ({}))]);
    const workers = Object.values<WorkerReport>(replies).filter((report) => typeof report.name === 'string'); // a refusal is no report
    return message && explain(message, { monitor, semaphore, workers, now: runtime.brokerClock.now() });
  };
  return withDeadline(runtime.clock, longestLook, look(), () => new Error('late')).catch(() => undefined);
}

async function explain(message: Message, scene: Scene): Promise<string | undefined> {
  const { queue, id } = message;
  const running = runningAt(id, scene);
  if (running) return running;
  const consumers = scene.workers.filter(({ queues }) => queues.includes(queue));
  const [counts] = await scene.monitor.counts([queue]);
  if (counts?.paused) return `queue "${queue}" is paused: lovage queues resume ${queue}`;
  if (consumers.length === 0)
    return `no worker that answers consumes queue "${queue}": start one with lovage worker -Q ${queue}`;
  const [place] = await scene.monitor.locate([id], [queue]);
  if (place === 'delayed') return blockedBy(message, scene);
  if (place !== 'waiting') return undefined;
  return `it waits in queue "${queue}" with ${counts?.waiting ?? 1} ready and ${consumers.length} ${consumers.length === 1 ? 'worker' : 'workers'}`;
}

function runningAt(id: string, { workers }: Scene): string | undefined {
  for (const { name, running } of workers) {
    const found = running.find((task) => task.id === id);
    if (found) return `it runs on worker ${name} for ${formatDuration(found.runningFor)} so far`;
  }
  return undefined;
}

async function blockedBy(message: Message, { semaphore, workers, now }: Scene): Promise<string | undefined> {
  const request = requestWhereBlocked(message);
  const { eta } = message;
  if (eta !== undefined && eta > now) return `it is delayed for ${formatDuration(Math.round(eta - now))} more`;
  if (request === undefined || semaphore === undefined)
    return message.rateLine ? 'it waits for its rate limit' : undefined;
  const { group } = request;
  const what = `it waits for ${nameOf(group)}`;
  const running = workers.flatMap((worker) =>
    worker.running.map(({ id, queue }) => ({ id, queue, worker: worker.name })),
  );
  const places = running.map(({ id, queue }) => ({ group, id, queue }));
  const holds = await semaphore.has(places);
  const holders = running.filter((_, index) => holds[index]).map(({ id, worker }) => `task ${id} on ${worker}`);
  if (holders.length > 0) return `${what}, held by ${holders.slice(0, 3).join(', ')}`;
  const halted = (await semaphore.halted()).find((place) => place.group === group);
  return halted ? `${what}, which is closed behind task ${halted.id}, that failed: lovage ordering release` : what;
}

const kinds: Readonly<Record<string, string>> = { o: 'ordering key', c: 'concurrency key' };

/** A group's name is its kind, then the task and the key. */
function nameOf(group: string): string {
  const kind = kinds[group[0] ?? ''];
  if (kind === undefined) return 'its fair share of the queue';
  const [task, key] = JSON.parse(group.slice(2)) as [string, string];
  return `${kind} "${key}" of task "${task}"`;
}
