import { type Command, type CommandFamily, switchOption, textOption } from '../../command.ts';

const commands: readonly Command[] = [
  {
    usage: 'bullmq <queue>',
    describe: 'Move the jobs that wait in a queue of BullMQ to Lovage; without --move it only shows them',
    positionals: { queue: { type: 'string', describe: "BullMQ's queue" } },
    options: {
      move: switchOption('Move them'),
      map: textOption('A module that exports by default (job) => ({ task, args, options }) or undefined'),
      to: textOption('The queue that the tasks go to (default: where the routes of the app say)'),
    },
    examples: [
      ['$0 import bullmq mail -A ./app.ts', 'what would be moved'],
      [
        '$0 import bullmq mail -A ./app.ts --map ./map-jobs.ts --to mail --move',
        'into the same queue, which is adopted',
      ],
    ],
    run: async (given) => (await import('../../actions/queues/import-bullmq.ts')).importBullmq(given),
  },
];

/** `lovage import`. */
export const importFamily: CommandFamily = { usage: 'import <command>', describe: 'Jobs of other systems', commands };
