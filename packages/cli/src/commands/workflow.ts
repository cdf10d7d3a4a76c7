import { type Command, type CommandFamily, switchOption, textOption } from '../command.ts';

const id = { type: 'string', describe: 'The id of the run' } as const;

const commands: readonly Command[] = [
  {
    usage: 'list',
    describe: 'Print runs of workflows, the latest change first',
    options: {
      name: textOption('Only of this workflow'),
      state: textOption('Only in this state: RUNNING, PARKED, DIVERGED, SUCCESS, FAILURE, REVOKED'),
      limit: textOption('At most so many (default: 100)'),
    },
    examples: [['$0 workflow list --state DIVERGED', 'what fixed code is to resume']],
    run: async (given) => (await import('../actions/workflows.ts')).listRuns(given),
  },
  {
    usage: 'show <id>',
    describe: 'Print a run with its steps in the order in which they were stored',
    positionals: { id },
    examples: [['$0 workflow show order-17', 'the timeline, and what it waits for']],
    run: async (given) => (await import('../actions/workflows.ts')).showRun(given),
  },
  {
    usage: 'send <id> <event> [payload]',
    describe: 'Send an event to a run',
    positionals: {
      id,
      event: { type: 'string', describe: 'Its name' },
      payload: { type: 'string', describe: 'JSON, or text (default: null)' },
    },
    options: { 'event-id': textOption('The same id again changes nothing') },
    examples: [['$0 workflow send order-17 approved \'{"ok":true}\'', 'a human approval']],
    run: async (given) => (await import('../actions/workflows.ts')).sendEvent(given),
  },
  {
    usage: 'cancel <id> [reason]',
    describe: 'Cancel a run: it is compensated, then REVOKED',
    positionals: { id, reason: { type: 'string', describe: 'Why (default: cancelled)' } },
    examples: [["$0 workflow cancel order-17 'out of stock'", 'resolves when that is stored']],
    run: async (given) => (await import('../actions/workflows.ts')).cancelRun(given),
  },
  {
    usage: 'retry <id>',
    describe: 'Take a failed run up where it failed, or a diverged one with the code there is now',
    positionals: { id },
    examples: [['$0 workflow retry order-17', 'under the same id']],
    run: async (given) => (await import('../actions/workflows.ts')).retryRun(given),
  },
  {
    usage: 'fork <id>',
    describe: 'Start a new run with the outcomes of this one up to a step',
    positionals: { id },
    options: { from: textOption('The key of the step: see show'), 'new-id': textOption('The id of the new run') },
    examples: [['$0 workflow fork order-17 --from mail', 'prints the id of the new run']],
    run: async (given) => (await import('../actions/workflows.ts')).forkRun(given),
  },
  {
    usage: 'check',
    describe:
      'Replay the logs of all open runs against the code of the app; runs no step. Exits 1 where one does not fit',
    options: { open: switchOption('Of runs that have not ended: the only ones that can be checked') },
    examples: [['$0 -A ./app.ts workflow check --open', 'in CI, before a deploy']],
    run: async (given) => (await import('../actions/workflows.ts')).checkRuns(given),
  },
];

/** `lovage workflow`. */
export const workflowFamily: CommandFamily = {
  usage: 'workflow <command>',
  describe: 'Runs of durable workflows: list, show, send, cancel, retry, fork, check',
  commands,
};
