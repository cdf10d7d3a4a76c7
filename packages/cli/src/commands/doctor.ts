import { type Command, switchOption } from '../command.ts';

/** `lovage doctor`. */
export const doctorCommand: Command = {
  usage: 'doctor',
  describe: 'Look for what is wrong with broker, clocks, workers and queues, and say what to do',
  options: { strict: switchOption('Exit with 1 for warnings too') },
  examples: [
    ['$0 doctor', 'exit 1 when there is a problem'],
    ['$0 doctor --json --strict', 'for a deployment pipeline'],
  ],
  run: async (given) => (await import('../actions/run-doctor.ts')).runDoctor(given),
};
