import { type Command, switchOption, textOption } from '../command.ts';

/** `lovage events`. */
export const eventsCommand: Command = {
  usage: 'events',
  describe: 'Print what happens to tasks and workers, as it happens, until Ctrl-C',
  options: {
    type: textOption('Only events of this type, such as task.failed; may be given several times'),
    count: textOption('End after so many'),
    enable: switchOption('Switch events on at all workers first'),
  },
  examples: [
    ['$0 events --enable', 'switch them on, then watch'],
    ['$0 events --type task.failed --json', 'failures, one JSON object a line'],
  ],
  run: async (given) => (await import('../actions/show-events.ts')).showEvents(given),
};
