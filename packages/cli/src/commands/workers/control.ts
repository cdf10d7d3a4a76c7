import { type Command, type CommandFamily, switchOption, textOption } from '../../command.ts';
import { usageError } from '../../exit-code.ts';
import { fleetCommand } from './fleet-command.ts';

const load = () => import('../../actions/workers/control-workers.ts');

const loadStamped = () => import('../../actions/workers/revoke-stamped.ts');

const ids = { ids: { type: 'string', array: true, describe: 'Task ids' } } as const;
const task = { task: { type: 'string', describe: "The task's name" } } as const;
const queue = { queue: { type: 'string', describe: "The queue's name" } } as const;
const count = { n: { type: 'string', describe: 'How many slots (default: 1)' } } as const;

const commands: readonly Command[] = [
  {
    usage: 'revoke [ids..]',
    describe: 'Revoke tasks by id or by stamp: they are not run, and their results end REVOKED',
    positionals: ids,
    options: {
      terminate: switchOption('Also break them off where they run'),
      stamp: textOption('name=value: every task with this stamp or header; may be given several times', {
        array: true,
      }),
      expires: textOption('With --stamp: how long the rule holds (default: 3h)'),
    },
    examples: [
      ['$0 control revoke 0198c2b0-… --terminate', 'exit 1 when no worker answered'],
      ['$0 control revoke --stamp customer=42 --expires 1d', 'also those that are sent meanwhile'],
    ],
    run: async (given) => {
      const { ids = [], stamp } = given as { readonly ids?: readonly string[]; readonly stamp?: readonly string[] };
      if (ids.length > 0 === (stamp !== undefined)) throw usageError('expected task ids, or --stamp name=value');
      return stamp === undefined ? (await load()).revokeTasks(given) : (await loadStamped()).revokeStamped(given);
    },
  },
  {
    usage: 'lift',
    describe: 'Take a rule of revoke --stamp back: what it has ended stays ended',
    options: { stamp: textOption('name=value; may be given several times', { array: true, demandOption: true }) },
    examples: [['$0 control lift --stamp customer=42', 'exit 1 when there is no such rule']],
    run: async (given) => (await loadStamped()).liftStamped(given),
  },
  {
    usage: 'terminate <ids..>',
    describe: 'As revoke --terminate: break tasks off where they run',
    positionals: ids,
    examples: [['$0 control terminate 0198c2b0-…', 'it ends REVOKED']],
    run: async (given) => {
      const { revokeTasks } = await load();
      return revokeTasks({ ...(given as Parameters<typeof revokeTasks>[0]), terminate: true });
    },
  },
  {
    usage: 'rate-limit <task> <rate>',
    describe: "Change a task's rate limit over all workers; 'none' lifts it",
    positionals: { ...task, rate: { type: 'string', describe: '10/s, 100/m, 5/h or none' } },
    examples: [['$0 control rate-limit mail.send 100/m', 'until the workers restart']],
    run: async (given) => (await load()).limitRate(given),
  },
  {
    usage: 'time-limit <task>',
    describe: "Change a task's time limits; without --soft and --hard its own are back",
    positionals: task,
    options: {
      soft: textOption('When its signal aborts, such as 30s'),
      hard: textOption('When its attempt ends, such as 60s'),
    },
    examples: [['$0 control time-limit report --soft 1m --hard 2m', 'until the workers restart']],
    run: async (given) => (await load()).limitTime(given),
  },
  {
    usage: 'pool-grow [n]',
    describe: 'More slots for each worker',
    positionals: count,
    examples: [['$0 control pool-grow 4 -d w1', 'four more for w1']],
    run: async (given) => (await load()).resizePool(given, 'poolGrow'),
  },
  {
    usage: 'pool-shrink [n]',
    describe: 'Fewer slots for each worker; running tasks go on',
    positionals: count,
    examples: [['$0 control pool-shrink 4', 'one slot stays at least']],
    run: async (given) => (await load()).resizePool(given, 'poolShrink'),
  },
  {
    usage: 'autoscale <max> <min>',
    describe: 'Let the slots of each worker follow its load between these bounds',
    positionals: {
      max: { type: 'string', describe: 'No more slots than that' },
      min: { type: 'string', describe: 'No fewer' },
    },
    examples: [['$0 control autoscale 16 2', 'until the workers restart']],
    run: async (given) => (await load()).autoscaleWorkers(given),
  },
  {
    usage: 'add-consumer <queue>',
    describe: 'Consume one more queue',
    positionals: queue,
    examples: [['$0 control add-consumer billing -d w1', 'until w1 restarts']],
    run: async (given) => (await load()).changeQueue(given, 'addConsumer'),
  },
  {
    usage: 'cancel-consumer <queue>',
    describe: 'Stop consuming a queue; its running tasks go on',
    positionals: queue,
    examples: [['$0 control cancel-consumer billing', 'on every worker']],
    run: async (given) => (await load()).changeQueue(given, 'cancelConsumer'),
  },
  {
    usage: 'shutdown',
    describe: 'Drain and end, as on SIGTERM',
    examples: [['$0 control shutdown -d w1', 'one worker']],
    run: async (given) => (await load()).commandWorkers(given, 'shutdown'),
  },
  {
    usage: 'enable-events',
    describe: 'Send events from now on',
    examples: [['$0 control enable-events', 'then lovage events shows them']],
    run: async (given) => (await load()).commandWorkers(given, 'enableEvents'),
  },
  {
    usage: 'disable-events',
    describe: 'Send no more events',
    examples: [['$0 control disable-events', 'on every worker']],
    run: async (given) => (await load()).commandWorkers(given, 'disableEvents'),
  },
];

/** `lovage control`. */
export const controlFamily: CommandFamily = {
  usage: 'control <command>',
  describe: 'Send commands to the workers: revoke, rate-limit, shutdown, …',
  commands: commands.map(fleetCommand),
};
