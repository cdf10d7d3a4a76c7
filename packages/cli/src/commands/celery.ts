import { type Command, type CommandFamily, textOption } from '../command.ts';

const commands: readonly Command[] = [
  {
    usage: 'codegen',
    describe: 'Write typed stubs of Python tasks',
    options: {
      python: textOption("Read this module's signatures, as in proj.tasks (default: ask the workers of --broker)"),
      interpreter: textOption('The Python that has Celery and the module (default: python3)'),
      timeout: textOption('How long answers of workers are collected (default: 1s)'),
      out: textOption('The file to write (default: stdout)', { alias: 'o' }),
    },
    examples: [
      ['$0 celery codegen --python proj.tasks -o src/python-tasks.ts', 'parameters, defaults, types, docstrings'],
      ['$0 celery codegen --broker celery+redis://localhost', 'from a running fleet: annotated parameters only'],
    ],
    run: async (given) => (await import('../actions/celery-codegen.ts')).celeryCodegen(given),
  },
];

/** `lovage celery`. */
export const celeryFamily: CommandFamily = {
  usage: 'celery <command>',
  describe: "Beside Python's Celery",
  commands,
};
