import { mkdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { BenchResult } from './bench.ts';
import { type ChartBar, drawChart } from './chart.ts';
import { type Figure, rounded } from './figure.ts';
import { celeryVersion } from './systems/celery.ts';

const folder = fileURLToPath(new URL('../results', import.meta.url));

/** What a kept result says about itself. */
export interface Provenance {
  readonly bench: string;
  readonly command: string;
  readonly redis: string;
}

/** Writes `results/<bench>-<date>.json` and `.svg`; gives their paths. */
export function save(
  { bench, command, redis }: Provenance,
  figures: readonly Figure[],
  peers: Readonly<Record<string, number>>,
  { rounds }: BenchResult,
): readonly string[] {
  const date = new Date().toISOString();
  const machine = describeMachine(redis);
  const measured = rounds.map((round) => Object.fromEntries([...round].map(([name, value]) => [name, rounded(value)])));
  const report = { bench, date, command, machine, figures, peers, rounds: measured };
  const footer = `${date.slice(0, 10)} · ${machine.cpu}, ${machine.cores} cores · Node ${machine.node}, Redis ${redis} · medians of ${rounds.length} rounds · ${command}`;
  const name = join(folder, `${bench}-${date.slice(0, 10)}`);
  mkdirSync(folder, { recursive: true });
  writeFileSync(`${name}.json`, `${JSON.stringify(report, null, 2)}\n`);
  writeFileSync(`${name}.svg`, drawChart(`Lovage bench: ${bench}`, footer, chartBars(figures, peers)));
  return [`${name}.json`, `${name}.svg`];
}

function chartBars(figures: readonly Figure[], peers: Readonly<Record<string, number>>): readonly ChartBar[] {
  const ours = figures.flatMap(({ name, value, unit }) => (value === null ? [] : [barOf(name, value, unit)]));
  const unitOf = new Map(figures.map(({ against, unit }) => [against, unit]));
  const theirs = Object.entries(peers).map(([name, value]) =>
    barOf(name, value, unitOf.get(name) ?? figures[0]?.unit ?? ''),
  );
  const seen = new Set<string>();
  return [...ours, ...theirs].filter(({ name }) => !seen.has(name) && seen.add(name)).sort((a, b) => b.value - a.value);
}

function barOf(name: string, value: number, unit: string): ChartBar {
  return {
    name,
    value,
    unit,
    group: groupOf(name, unit),
    ours: /^redis(\+streams)?:\/\//.test(name) || name.startsWith('lovage'),
  };
}

/** What a figure is compared with others in; more is better where it is a rate. */
function groupOf(name: string, unit: string): string {
  if (unit !== 'tasks/s') return unit === '' ? 'Counts' : `In ${unit}: less is better`;
  if (name.includes('publish')) return 'Published';
  if (name.includes('whole trip')) return 'Sent, run and every result awaited';
  return name.includes('run') ? 'Run by one worker process' : 'Tasks a second';
}

function describeMachine(redis: string): Readonly<Record<string, string | number>> {
  const require = createRequire(import.meta.url);
  const versionOf = (name: string): string => (require(`${name}/package.json`) as { version: string }).version;
  return {
    cpu: cpus()[0]?.model.trim() ?? 'unknown CPU',
    cores: cpus().length,
    memoryMiB: Math.round(totalmem() / 2 ** 20),
    node: process.versions.node,
    redis,
    bullmq: versionOf('bullmq'),
    'bee-queue': versionOf('bee-queue'),
    ioredis: versionOf('ioredis'),
    celery: celeryVersion() ?? 'missing',
  };
}
