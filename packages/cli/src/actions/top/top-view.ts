import { judgeHealth, type QueueCounts, type TaskStats, type WorkerReport } from '@lovage/core/inspect';
import { visible } from '@lovage/core/visible';
import { paint, type Style } from '../../output/paint.ts';

/** What one look at a system has shown. */
export interface TopFacts {
  readonly broker: string;
  /** Epoch ms. */
  readonly at: number;
  readonly queues: readonly (QueueCounts & { readonly oldest: number | undefined })[];
  readonly workers: readonly WorkerReport[];
  /** Of the last five minutes. */
  readonly tasks: readonly TaskStats[];
}

/** The tables of the screen, in their order. */
export const sections = ['queues', 'tasks', 'workers', 'running'] as const;

/** One table. */
export type Section = (typeof sections)[number];

/** What the person has chosen. */
export interface TopChoice {
  readonly section: Section;
  readonly row: number;
}

/** A row that can be chosen: what its key acts on. */
export interface TopRow {
  readonly id: string;
  readonly cells: readonly string[];
}

const heads: Readonly<Record<Section, readonly string[]>> = {
  queues: ['queue', 'waiting', 'delayed', 'running', 'dead', 'oldest', ''],
  tasks: ['task (5 min)', 'queue', 'ok', 'failed', 'retried', 'wait p95', 'run p50', 'run p95'],
  workers: ['worker', 'busy', 'queues', 'memory', 'loop lag', 'up'],
  running: ['running task', 'id', 'worker', 'for'],
};

const styles = { ok: 'green', warning: 'yellow', problem: 'red' } as const;

/** One sentence: whether anything is wrong, and what. */
export function sayHealth(facts: TopFacts): { readonly text: string; readonly style: Style } {
  const { level, text } = judgeHealth(facts);
  return { text, style: styles[level] };
}

/** The rows of a table. */
export function rowsOf(facts: TopFacts, section: Section): readonly TopRow[] {
  switch (section) {
    case 'queues':
      return facts.queues.map(({ queue, waiting, delayed, running, dead, oldest, paused }) => ({
        id: queue,
        cells: [
          queue,
          ...[waiting, delayed, running, dead].map(String),
          oldest ? duration(oldest) : '',
          paused ? 'paused' : '',
        ],
      }));
    case 'tasks':
      return facts.tasks.map(({ task, queue, succeeded, failed, retried, waitP95, runP50, runP95 }) => ({
        id: task,
        cells: [task, queue, ...[succeeded, failed, retried].map(String), ...[waitP95, runP50, runP95].map(duration)],
      }));
    case 'workers':
      return facts.workers.map(({ name, running, slots, queues, rss, loopLag, uptime }) => ({
        id: name,
        cells: [
          name,
          `${running.length}/${slots}`,
          queues.join(','),
          `${Math.round(rss / 2 ** 20)} MiB`,
          duration(loopLag),
          duration(uptime * 1_000),
        ],
      }));
    default:
      return facts.workers.flatMap(({ name, running }) =>
        running.map(({ id, task, runningFor }) => ({ id, cells: [task, id, name, duration(runningFor)] })),
      );
  }
}

/** The screen as lines, no more than fit. */
export function renderTop(
  facts: TopFacts,
  {
    choice,
    note,
    rows,
    columns,
  }: { readonly choice?: TopChoice; readonly note?: string; readonly rows: number; readonly columns: number },
): readonly string[] {
  const health = sayHealth(facts);
  const clock = new Date(facts.at).toTimeString().slice(0, 8);
  const lines = [
    `${paint('bold', 'lovage top', process.stdout)}  ${visible(facts.broker)}  ${clock}`,
    paint(health.style, clip(health.text, columns), process.stdout),
  ];
  const each = Math.max(2, Math.floor((rows - lines.length - 2) / sections.length) - 2);
  for (const section of sections) lines.push('', ...renderTable(facts, section, { choice, most: each, columns }));
  const help = 'tab section · ↑↓ row · p pause/resume queue · d drain worker · r revoke task · q quit';
  return [...lines.slice(0, rows - 1), paint('dim', clip(note ?? help, columns), process.stdout)];
}

function renderTable(
  facts: TopFacts,
  section: Section,
  {
    choice,
    most,
    columns,
  }: { readonly choice: TopChoice | undefined; readonly most: number; readonly columns: number },
): readonly string[] {
  const all = rowsOf(facts, section);
  const chosen = choice?.section === section ? Math.min(choice.row, all.length - 1) : -1;
  const first = Math.max(0, Math.min(chosen - most + 1, all.length - most));
  const page = all.slice(first, first + most);
  const cells = page.map((row) => row.cells.map((cell) => clip(cell, 48)));
  const widths = heads[section].map((head, index) =>
    Math.max(head.length, ...cells.map((row) => row[index]?.length ?? 0)),
  );
  const line = (row: readonly string[]): string =>
    clip(row.map((cell, index) => cell.padEnd(widths[index] ?? 0)).join('  '), columns - 2);
  const more = all.length > page.length ? `  (${first + 1}–${first + page.length} of ${all.length})` : '';
  const marked = (text: string, index: number): string =>
    index + first === chosen ? `${paint('cyan', '▶', process.stdout)} ${text}` : `  ${text}`;
  return [
    paint('bold', clip(`  ${line(heads[section]).trimEnd()}${more}`, columns), process.stdout),
    ...cells.map((row, index) => marked(line(row).trimEnd(), index)),
  ];
}

/** Text of others on one line, its control characters shown. */
function clip(text: string, width: number): string {
  const safe = visible(text).replaceAll(/[\n\t]/g, ' ');
  return safe.length > width ? `${safe.slice(0, Math.max(0, width - 1))}…` : safe;
}

function duration(ms: number | undefined): string {
  if (ms === undefined) return '';
  if (ms < 1_000) return `${Math.round(ms)}ms`;
  if (ms < 60_000) return `${(ms / 1_000).toFixed(1)}s`;
  return ms < 3_600_000
    ? `${Math.floor(ms / 60_000)}m${Math.round((ms % 60_000) / 1_000)}s`
    : `${(ms / 3_600_000).toFixed(1)}h`;
}
