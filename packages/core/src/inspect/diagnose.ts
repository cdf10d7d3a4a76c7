import type { Lovage } from '../app/app.ts';
import { runtimeOf } from '../app/app-runtime.ts';
import type { Connection } from '../driver/driver.ts';
import type { QueueCounts } from '../driver/monitor.ts';
import type { Finding } from '../events/finding.ts';
import type { WorkerReport } from '../events/worker-report.ts';
import { type Duration, formatDuration, parseDuration } from '../options/duration.ts';
import { version } from '../version.ts';
import { consumedQueues } from '../worker/consumed-queues.ts';
import { Inspector } from './inspector.ts';

/** A clock that is off by more than that is worth a line, in milliseconds. */
const mostSkew = 1_000;
/** A queue whose oldest message waits for longer than that. */
const longestWait = 60_000;
const hour = 3_600_000;
/** Messages of a queue that are looked at. */
const peeked = 10;

/** What {@link diagnose} waits for. */
export interface DiagnoseOptions {
  /** How long stores may take to answer. @default '5s' */
  readonly timeout?: Duration;
}

/**
 * Looks at all that can be wrong with an app's stores, clock, workers and queues; each finding that is not well says what to do. Throws
 * {@link BrokerUnavailableError} or a kin when a store does not answer.
 */
export async function diagnose(app: Lovage, { timeout = '5s' }: DiagnoseOptions = {}): Promise<readonly Finding[]> {
  const within = parseDuration(timeout, 'diagnose: timeout');
  const inspector = new Inspector(app);
  const stores = await storeFindings(app, within);
  const workers = await inspector.workers({ timeout: '1s' }).catch(() => []);
  const queues = await inspector.queues().catch(() => []);
  return [
    nodeFinding(process.versions.node),
    ...stores,
    ...(await clockFindings(app, workers)),
    ...fleetFindings(workers),
    ...(await ownerFindings(app, inspector)),
    ...(await queueFindings(inspector, queues, workers)),
    ...(await failureFindings(app)),
  ];
}

async function storeFindings(app: Lovage, timeout: number): Promise<readonly Finding[]> {
  const { stores, settings } = runtimeOf(app);
  const { brokerConnection, resultConnection, results, history } = await stores.open();
  const report = await brokerConnection.check(timeout, true);
  const known = report.findings ?? report.warnings.map((message): Finding => ({ ...warning('store', message) }));
  return [
    ok('broker', `${brokerConnection.display} answers: ${report.version}`),
    ...known,
    ...(resultConnection && resultConnection !== brokerConnection
      ? await resultFindings(resultConnection, timeout)
      : []),
    ...(results ? [] : [warning('results', 'The app stores no results.', 'leave `backend` out, or name one')]),
    ...(settings.historyMode === 'off' || history === undefined
      ? [warning('history', 'No history is kept: failures are not listed.', "set `history: 'sampled'`")]
      : []),
  ];
}

/** Of a result store of its own. */
async function resultFindings(connection: Connection, timeout: number): Promise<readonly Finding[]> {
  try {
    const { version, warnings, findings } = await connection.check(timeout, true);
    const known = findings ?? warnings.map((message): Finding => ({ ...warning('results', message) }));
    return [ok('results', `${connection.display} answers: ${version}`), ...known];
  } catch (error) {
    return [problem('results', (error as Error).message, 'see the message; tasks end when the store can be used')];
  }
}

function nodeFinding(node: string): Finding {
  const [major = 0, minor = 0] = node.split('.').map(Number);
  const fits = major > 22 || (major === 22 && minor >= 12) || (major === 20 && minor >= 19);
  if (!fits) return problem('node', `Node ${node} is not supported.`, 'use Node 20.19, 22.12 or later');
  if (major < 22) return warning('node', `Node ${node} gets no more fixes.`, 'move to Node 22 or 24');
  return ok('node', `Node ${node}`);
}

/** By each machine's own clock: delays, expiry and deadlines go by the broker's, logs and `Date.now()` in tasks do not. */
async function clockFindings(app: Lovage, workers: readonly WorkerReport[]): Promise<readonly Finding[]> {
  const own = await runtimeOf(app).stores.clockOffset();
  const clocks = [
    { name: 'this machine', ahead: own },
    ...workers.map(({ name, clockSkew }) => ({ name, ahead: clockSkew })),
  ];
  const off = clocks.filter(({ ahead }) => Math.abs(ahead) > mostSkew);
  if (off.length === 0)
    return [ok('clock', `The broker's clock and that of ${clocks.length} machine(s) agree within a second.`)];
  return off.map(({ name, ahead }) => {
    const by = formatDuration(Math.abs(ahead));
    return warning(
      'clock',
      `The clock of ${name} is ${by} ${ahead > 0 ? 'behind' : 'ahead of'} the broker's.`,
      'run an NTP client there',
    );
  });
}

function fleetFindings(workers: readonly WorkerReport[]): readonly Finding[] {
  if (workers.length === 0) return [warning('workers', 'No worker answers.', 'start one: lovage worker -A ./tasks.ts')];
  const found = [...new Set(workers.map(({ versions }) => versions?.lovage ?? 'before 0.2'))].sort();
  const versions =
    found.length === 1 && found[0] === version
      ? ok('versions', `${workers.length} worker(s), all of version ${version}`)
      : warning(
          'versions',
          `Workers are of version ${found.join(', ')}; this is ${version}.`,
          'deploy one version everywhere',
        );
  return [versions, ...workers.flatMap(workerFindings)];
}

function workerFindings({ name, unpolledFor, loopLag }: WorkerReport): readonly Finding[] {
  const found: Finding[] = [];
  if (unpolledFor > 20_000)
    found.push(
      problem(
        'workers',
        `${name} has not polled a queue for ${formatDuration(unpolledFor)}.`,
        `restart it: lovage control shutdown -d ${name}`,
      ),
    );
  if (loopLag > 1_000)
    found.push(
      warning(
        'workers',
        `The event loop of ${name} was blocked for ${formatDuration(loopLag)}.`,
        'run tasks that compute with pool: threads',
      ),
    );
  return found;
}

/** Queues of the app that another program created: workers and producers refuse them. */
async function ownerFindings(app: Lovage, inspector: Inspector): Promise<readonly Finding[]> {
  const owners = await Promise.all(
    consumedQueues(app).map(async (queue) => ({
      queue,
      owner: await inspector.foreignOwner(queue).catch(() => undefined),
    })),
  );
  return owners.flatMap(({ queue, owner }) =>
    owner === undefined
      ? []
      : [
          problem(
            'foreign',
            `Queue "${queue}" was created by ${owner}, not by Lovage: workers and callers refuse it.`,
            `give the queue another name or the app a \`prefix\`, or take it over: lovage import bullmq ${queue}, then lovage queues adopt ${queue}`,
          ),
        ],
  );
}

async function queueFindings(
  inspector: Inspector,
  queues: readonly QueueCounts[],
  workers: readonly WorkerReport[],
): Promise<readonly Finding[]> {
  const consumed = new Set(workers.flatMap((worker) => worker.queues));
  const oldest = await inspector.oldest(queues.map(({ queue }) => queue)).catch(() => []);
  const found: Finding[] = [];
  for (const [index, counts] of queues.entries()) {
    const { queue, waiting, dead, paused, problem: cause } = counts;
    const waits = oldest[index] ?? 0;
    if (cause !== undefined)
      found.push(
        problem(
          'queues',
          `Queue "${queue}" cannot be counted: ${cause}.`,
          'another program uses its keys: give the app a `prefix`',
        ),
      );
    if (paused) found.push(warning('queues', `Queue "${queue}" is paused.`, `lovage queues resume ${queue}`));
    else if (waiting > 0 && !consumed.has(queue))
      found.push(
        problem(
          'queues',
          `${waiting} messages wait in queue "${queue}", which no worker consumes.`,
          `lovage worker -Q ${queue}`,
        ),
      );
    else if (waits > longestWait)
      found.push(
        warning(
          'queues',
          `The oldest message of queue "${queue}" waits for ${formatDuration(waits)}.`,
          `lovage capacity ${queue} says how many slots it takes`,
        ),
      );
    if (dead > 0)
      found.push(warning('dead letters', `${dead} dead letters in queue "${queue}".`, `lovage dlq list -Q ${queue}`));
    found.push(...(await foreignMessages(inspector, counts)));
  }
  return found.length > 0 ? found : [ok('queues', `${queues.length} queue(s), none of them stuck`)];
}

/** Messages of other programs, such as jobs of BullMQ without Lovage's fields. What a worker takes meanwhile is not missed: it is asked twice. */
async function foreignMessages(inspector: Inspector, { queue, waiting }: QueueCounts): Promise<readonly Finding[]> {
  if (waiting === 0) return [];
  const readable = await inspector.peek(queue, { limit: peeked }).catch(() => undefined);
  const [after] = await inspector.queues([queue]);
  const missing = Math.min(waiting, after?.waiting ?? 0, peeked) - (readable?.length ?? peeked);
  if (missing <= 0) return [];
  return [
    problem(
      'foreign',
      `${missing} of the next messages of queue "${queue}" are not Lovage's: another program writes to it.`,
      'give the app a `prefix`, or the queue another name',
    ),
  ];
}

async function failureFindings(app: Lovage): Promise<readonly Finding[]> {
  const groups = await app.failures.groups().catch(() => []);
  const since = runtimeOf(app).clock.now() - hour;
  const recent = groups.filter(({ lastAt }) => lastAt >= since);
  if (recent.length === 0) return [ok('failures', 'No task failed in the last hour.')];
  return recent
    .slice(0, 3)
    .map(({ name, task, open, fingerprint }) =>
      warning(
        'failures',
        `${open} ${open === 1 ? 'task' : 'tasks'} failed with ${name}, the latest of ${task}.`,
        `lovage failures list --group ${fingerprint}`,
      ),
    );
}

function ok(check: string, message: string): Finding {
  return { check, state: 'ok', message };
}

function warning(check: string, message: string, fix?: string): Finding {
  return { check, state: 'warning', message, ...(fix === undefined ? {} : { fix }) };
}

function problem(check: string, message: string, fix: string): Finding {
  return { check, state: 'problem', message, fix };
}
