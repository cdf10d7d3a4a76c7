import { type Command, type CommandFamily, textOption } from '../command.ts';

const id = { type: 'string', describe: "The gate's id: see lovage gate list" } as const;

const commands: readonly Command[] = [
  {
    usage: 'list',
    describe: 'Print the gates that wait, the oldest first',
    options: {
      name: textOption('Only of this name'),
      root: textOption('Only of the canvas that begins with this task'),
    },
    examples: [['$0 gate list --name approval', 'what is to be approved']],
    run: async (given) => (await import('../actions/gates.ts')).listGates(given),
  },
  {
    usage: 'resolve <id> [value]',
    describe: 'Let a canvas go on behind a gate, with a value',
    positionals: { id, value: { type: 'string', describe: 'JSON, or text (default: null)' } },
    examples: [['$0 gate resolve 0198c2b0-…~1 \'{"by":"Ada"}\'', 'the value of the next step']],
    run: async (given) => (await import('../actions/gates.ts')).resolveGate(given),
  },
  {
    usage: 'reject <id> <reason>',
    describe: 'Fail a gate, and what follows it',
    positionals: { id, reason: { type: 'string', describe: 'Why: the failure says it' } },
    examples: [["$0 gate reject 0198c2b0-…~1 'too dear'", 'the canvas ends with that failure']],
    run: async (given) => (await import('../actions/gates.ts')).rejectGate(given),
  },
];

/** `lovage gate`. */
export const gateFamily: CommandFamily = {
  usage: 'gate <command>',
  describe: 'Gates (canvas steps that wait for a decision): list, resolve, reject',
  commands,
};
