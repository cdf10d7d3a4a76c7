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
  const ours = figures.flatMap(({ name, value, unit }) => (value === null ? [] : [{ name, value, unit, ours: true }]));
  const unitOf = new Map(figures.map(({ against, unit }) => [against, unit]));
  const theirs = Object.entries(peers).map(([name, value]) => {
    const isOurs = name.startsWith('redis://');
    return { name, value, unit: unitOf.get(name) ?? figures[0]?.unit ?? '', ours: isOurs };
  });
  const seen = new Set<string>();
  return [...ours, ...theirs].filter(({ name }) => !seen.has(name) && seen.add(name)).sort((a, b) => b.value - a.value);
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
