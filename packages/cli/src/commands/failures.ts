import { type Command, type CommandFamily, switchOption, textOption } from '../command.ts';

const filters = {
  queues: textOption('Only of these queues, separated by commas', { alias: 'Q' }),
  task: textOption("Only of this task: a name, or a glob such as 'mail.*'"),
  error: textOption('Only with this error, such as TypeError; a name or a glob'),
  group: textOption('Only of this group, as `failures group` prints it'),
  tag: textOption("Only with this tag, or a glob such as 'customer:*'"),
  'older-than': textOption('Only failed longer ago than that, such as 7d'),
  'newer-than': textOption('Only failed within that time, such as 1h'),
};
const ids = { ids: { type: 'string', array: true, describe: 'Ids of failed tasks (default: all that fit)' } } as const;
const force = switchOption('Do not ask', { alias: 'f' });

const commands: readonly Command[] = [
  {
    usage: 'list',
    describe: 'Print the tasks that failed, the latest first',
    options: { ...filters, limit: textOption('At most so many (default: 100)') },
    examples: [
      ['$0 failures list', 'of every queue'],
      ["$0 failures list --task 'mail.*' --newer-than 1h --json", 'as JSON, without messages and stacks'],
    ],
    run: async (given) => (await import('../actions/failures/show-failures.ts')).listFailures(given),
  },
  {
    usage: 'group',
    describe: 'Print what failed by its cause, with the first and last time and an example',
    examples: [['$0 failures group', 'the cause that came last is the first line']],
    run: async (given) => (await import('../actions/failures/show-failures.ts')).groupFailures(given),
  },
  {
    usage: 'show <id>',
    describe: "Print a task's failure: the error with its stack, and what it was called with",
    positionals: { id: { type: 'string', describe: "The task's id" } },
    examples: [['$0 failures show 0198c2b0-…', 'error, arguments, message and stack']],
    run: async (given) => (await import('../actions/failures/show-failures.ts')).showFailure(given),
  },
  {
    usage: 'retry [ids..]',
    describe: 'Run failed tasks again under their ids; their canvases go on',
    positionals: ids,
    options: {
      ...filters,
      limit: textOption('At most so many'),
      args: textOption('Other arguments for all of them, as a JSON list: \'[1,"a"]\''),
      to: textOption('Another queue'),
      rate: textOption('No faster than that: 10/s, 100/m'),
      'dry-run': switchOption('Only print what would be sent'),
      force,
    },
    examples: [
      ['$0 failures retry 0198c2b0-…', 'one task'],
      ['$0 failures retry --group 4f0c2b9d1a44 --rate 10/s --force', 'all with one cause, slowly'],
      ['$0 failures retry --error TypeError --dry-run', 'look first'],
    ],
    run: async (given) => (await import('../actions/failures/retry-failures.ts')).retryFailures(given),
  },
  {
    usage: 'discard [ids..]',
    describe: 'Take failures off the list for good; their results stay',
    positionals: ids,
    options: { ...filters, 'dry-run': switchOption('Only print how many would be discarded'), force },
    examples: [['$0 failures discard --older-than 7d --force', 'for scripts']],
    run: async (given) => (await import('../actions/failures/discard-failures.ts')).discardFailures(given),
  },
];

/** `lovage failures`. */
export const failuresFamily: CommandFamily = {
  usage: 'failures <command>',
  describe: 'Tasks that failed: list, group, show, retry, discard',
  commands,
};
