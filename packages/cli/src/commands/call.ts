import { type Command, switchOption, textOption } from '../command.ts';

/** `lovage call`. */
export const callCommand: Command = {
  usage: 'call <task> [args..]',
  describe: 'Send a task and print its value',
  positionals: {
    task: { type: 'string', describe: "The task's name" },
    args: {
      type: 'string',
      array: true,
      describe: 'Its arguments: JSON where it is JSON, else text; after -- they may begin with a dash',
    },
  },
  options: {
    'json-args': switchOption('Every argument is JSON'),
    timeout: textOption("Stop waiting after this long (exit 124); it is the task's deadline too"),
    progress: switchOption('Show what the task says of its progress, as a bar on stderr'),
    'no-wait': switchOption("Print the task's id, do not wait for its value"),
    queue: textOption('Where to send it'),
    priority: textOption('0 to 9, higher runs sooner'),
    countdown: textOption('Run it that long from now'),
    eta: textOption('Run it then: an ISO time with an offset'),
    expires: textOption('Do not run it later than that: a duration or a time'),
    'task-id': textOption('An id of your own: sent twice, it runs once'),
    'max-retries': textOption("How often it is retried, or 'none' for no limit"),
  },
  examples: [
    ['$0 call add 2 3', 'prints 5'],
    ['$0 call mail.send --json-args \'"a@b.c"\' \'{"subject":"hi"}\'', 'arguments as JSON'],
    ['$0 call report --no-wait --countdown 10m', 'prints the id'],
  ],
  run: async (given) => (await import('../actions/call-task.ts')).callTask(given),
};
