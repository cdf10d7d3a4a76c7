import { type Command, type CommandFamily, textOption } from '../../command.ts';
import { fleetCommand } from './fleet-command.ts';

const load = () => import('../../actions/workers/inspect-workers.ts');
const loadBlocked = () => import('../../actions/queues/show-blocked.ts');

const commands: readonly Command[] = [
  {
    usage: 'ping',
    describe: 'Print the workers that are there',
    examples: [["$0 inspect ping -d 'mail-*'", 'only workers of that name']],
    run: async (given) => (await load()).pingWorkers(given),
  },
  {
    usage: 'active',
    describe: 'Print the tasks that run now',
    options: { tag: textOption("Only with this tag, or a glob such as 'customer:*'") },
    examples: [['$0 inspect active --json', 'lists by worker']],
    run: async (given) => (await load()).showActive(given),
  },
  {
    usage: 'reserved',
    describe: 'Print how many tasks wait, per queue; asks the broker, since workers hold none in memory',
    examples: [['$0 inspect reserved -d w1', 'only the queues that w1 consumes']],
    run: async (given) => (await loadBlocked()).showBlocked(given, 'waiting'),
  },
  {
    usage: 'scheduled',
    describe: 'Print how many tasks wait for their time, per queue; asks the broker, since workers hold none in memory',
    examples: [['$0 inspect scheduled', 'tasks with a countdown or eta, and retries']],
    run: async (given) => (await loadBlocked()).showBlocked(given, 'delayed'),
  },
  {
    usage: 'registered',
    describe: 'Print the tasks that each worker can run',
    examples: [['$0 inspect registered -d w1', 'of one worker']],
    run: async (given) => (await load()).showRegistered(given),
  },
  {
    usage: 'stats',
    describe: 'Print slots, counts, memory and queues of each worker',
    examples: [['$0 inspect stats --json', 'everything that the workers say']],
    run: async (given) => (await load()).showStats(given),
  },
  {
    usage: 'conf',
    describe: "Print each worker's settings, without secrets",
    examples: [['$0 inspect conf -d w1', 'of one worker']],
    run: async (given) => (await load()).showWorkerConf(given),
  },
  {
    usage: 'query <ids..>',
    describe: 'Print which worker runs these tasks',
    positionals: { ids: { type: 'string', array: true, describe: 'Task ids' } },
    examples: [['$0 inspect query 0198c2b0-…', 'says so when no worker runs it']],
    run: async (given) => (await load()).queryTasks(given),
  },
  {
    usage: 'revoked',
    describe: 'Print the stamps that are revoked, and the tasks that each worker broke off',
    examples: [['$0 inspect revoked', 'the latest thousand of each']],
    run: async (given) => (await import('../../actions/workers/show-revoked.ts')).showRevoked(given),
  },
];

/** `lovage inspect`. */
export const inspectFamily: CommandFamily = {
  usage: 'inspect <question>',
  describe: 'Ask the workers: ping, active, stats, …',
  commands: commands.map(fleetCommand),
};
