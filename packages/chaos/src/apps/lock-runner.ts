// A process that takes locks, or leads: `node lock-runner.js '{"role":"lock",…}'`.
import { Lovage } from 'lovage';
import { Ledger } from '../ledger/ledger.ts';

/** What it does. */
interface Plan {
  readonly url: string;
  readonly role: 'lock' | 'lead';
  /** lock: contenders of this process, how often each takes its locks, and among which names. */
  readonly contenders: number;
  readonly rounds: number;
  readonly names: readonly string[];
  /** lock, control: goes in without taking it. */
  readonly careless?: boolean;
  /** lead: the lease, in milliseconds. */
  readonly ttl: number;
}

const plan = JSON.parse(process.argv[2] ?? '{}') as Plan;
const app = new Lovage('chaos-locks', { broker: plan.url, logLevel: 'silent' });
const say = (text: string): void => void process.stdout.write(`${text}\n`);

if (plan.role === 'lock') await contend();
else lead();

/** Each contender takes two of the names at a time, in an order that differs from contender to contender. */
async function contend(): Promise<void> {
  const ledger = new Ledger(process.env['CHAOS_LEDGER'] as string, 'lock');
  const contender = async (index: number): Promise<void> => {
    for (let round = 0; round < plan.rounds; round += 1) await enter(ledger, pairOf(index + round));
  };
  say('ready');
  await Promise.all(Array.from({ length: plan.contenders }, (_, index) => contender(index)));
  say('done');
  await app.close();
}

function pairOf(turn: number): readonly string[] {
  const { names } = plan;
  const pair = [names[turn % names.length] as string, names[(turn + 1) % names.length] as string];
  return turn % 2 === 0 ? pair : pair.reverse();
}

async function enter(ledger: Ledger, names: readonly string[]): Promise<void> {
  const lock = plan.careless ? undefined : await app.lock(names, { wait: null, ttl: '10s' });
  const run = `${process.pid}-${Math.random()}`;
  for (const name of names) ledger.note('START', name, { run, detail: String(lock?.fences[name] ?? 0) });
  await new Promise((resolve) => setImmediate(resolve));
  for (const name of names) ledger.note('END', name, { run });
  await lock?.release();
}

/** Writes with its fence every 20 ms, and looks at its signal only now and then: a careless leader. */
function lead(): void {
  app.elect('register', {
    ttl: plan.ttl,
    onLeader: async (signal, fence) => {
      for (let write = 1; write % 20 !== 0 || !signal.aborted; write += 1) {
        say(`writes ${fence}`);
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    },
  });
}
