// `npm run bench -- <name> [--json] [--quick] [--save | --against <commit>]`
import { parseArgs } from 'node:util';
import { type BenchName, bars } from './bars.ts';
import { type BenchResult, type Load, loads } from './bench.ts';
import { benches } from './benches/benches.ts';
import { compareTrees, comparisonTable } from './comparison.ts';
import { figuresOf, peersOf } from './figure.ts';
import { MissingPartError, type RedisServer, startRedisServer } from './redis-server.ts';
import { save } from './save.ts';
import { tableOf } from './table.ts';
import { isBuiltTree } from './tree.ts';

const benchNames = Object.keys(benches) as readonly BenchName[]; // the record has exactly those keys

const usage = `usage: npm run bench -- <name> [--json] [--quick | --tiny] [--save | --against <commit>]

  names     ${benchNames.join(', ')}
  --json    one JSON object a line, for each figure
  --quick   two rounds on a fifth of the load: a first impression
  --tiny    one round on next to nothing: whether it works
  --save    keep the result in packages/bench/results, as JSON and as a picture
  --against a commit, or the folder of a built checkout: measured by turns with this one, in ratios

BENCH_EXEC_ARGV holds Node options for the processes under test: BENCH_EXEC_ARGV='--cpu-prof --cpu-prof-dir=/tmp/prof'`;

interface Options {
  readonly bench: BenchName;
  readonly json: boolean;
  readonly load: Load;
  readonly save: boolean;
  /** The folder of another checkout. */
  readonly against: string | undefined;
}

process.exitCode = await main(process.argv.slice(2));

async function main(args: readonly string[]): Promise<number> {
  const options = readOptions(args);
  if (options === undefined) {
    console.error(usage);
    return 2;
  }
  try {
    await runBench(options, `npm run bench -- ${args.join(' ')}`);
    return 0;
  } catch (error) {
    if (!(error instanceof MissingPartError)) throw error;
    console.error(`bench: ${error.message}`);
    return 1;
  }
}

function readOptions(args: readonly string[]): Options | undefined {
  const flag = { type: 'boolean', default: false } as const;
  const options = { json: flag, quick: flag, tiny: flag, save: flag, against: { type: 'string' } } as const;
  try {
    const { values, positionals } = parseArgs({ args: [...args], options, allowPositionals: true });
    const bench = benchNames.find((name) => name === positionals[0]);
    if (bench === undefined || positionals.length > 1) return undefined;
    const load = values.tiny ? loads.tiny : values.quick ? loads.quick : loads.full;
    const { json, save: keep, against } = values;
    if (against !== undefined && (keep || !isBuiltTree(against))) return undefined;
    return { bench, load, json, save: keep, against };
  } catch {
    return undefined; // an option that is not there: the usage says which are
  }
}

async function runBench(options: Options, command: string): Promise<void> {
  const redis = await startRedisServer();
  try {
    if (options.against !== undefined) return await compare(options, options.against, redis);
    const result = await measure(options, redis);
    const figures = figuresOf(options.bench, result);
    const peers = peersOf(figures, result);
    if (options.json) for (const figure of figures) console.log(JSON.stringify(figure));
    else console.log(tableOf(figures, peers));
    if (!options.save) return;
    for (const file of save({ bench: options.bench, command, redis: redis.version }, figures, peers, result)) {
      console.error(`bench: kept ${file}`);
    }
  } finally {
    await redis.stop();
  }
}

async function compare({ bench, load, json }: Options, other: string, redis: RedisServer): Promise<void> {
  const context = { load, redis, say: (line: string) => console.error(`bench: ${line}`) };
  const compared = await compareTrees(await benches[bench](), other, context);
  if (json) for (const one of compared) console.log(JSON.stringify(one));
  else console.log(comparisonTable(compared, other));
}

async function measure({ bench, load }: Options, redis: RedisServer): Promise<BenchResult> {
  const ofBench = bars.filter((bar) => bar.bench === bench); // none: its figures are printed as they are
  if (ofBench.length > 0 && ofBench.every((bar) => bar.missing !== undefined)) return { rounds: [] };
  const run = await benches[bench]();
  return run({ load, redis, say: (line) => console.error(`bench: ${line}`) });
}
