import { type Command, switchOption, textOption } from '../command.ts';

/** `lovage events`. */
export const eventsCommand: Command = {
  usage: 'events',
  describe: 'Print what happens to tasks and workers, as it happens, until Ctrl-C',
  options: {
    type: textOption('Only events of this type, such as task.failed; may be given several times'),
    follow: switchOption('As it does anyway', { alias: 'f' }),
    task: textOption("Only of this task: a name, or a glob such as 'mail.*'"),
    queue: textOption('Only of this queue'),
    tag: textOption("Only of tasks with this tag, or a glob such as 'customer:*'"),
    worker: textOption('Only of this worker'),
    id: textOption('Only of this task id, or of the canvas that begins with it'),
    count: textOption('End after so many'),
    enable: switchOption('Switch events on at all workers first'),
  },
  examples: [
    ['$0 events --enable', 'switch them on, then watch'],
    ["$0 events --task 'mail.*' --queue mail", 'the life of some tasks'],
    ['$0 events --type task.failed --json', 'failures, one JSON object a line'],
  ],
  run: async (given) => (await import('../actions/show-events.ts')).showEvents(given),
};
