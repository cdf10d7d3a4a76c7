// What events cost a worker that has them on while nobody listens, beside one that has them off.
import type { Bench } from '../bench.ts';
import { measureRounds } from '../measure.ts';
import type { SystemName } from '../systems/systems.ts';
import { publishAndRun } from './throughput.ts';

export const events: Bench = async (context) => {
  const drain = (system: SystemName, name: string) => publishAndRun(context, system, { cpu: name });
  const measurements = [
    drain('lovage', 'redis:// worker CPU of a task, events off'),
    drain('lovage-events', 'redis:// worker CPU of a task, events on, nobody listens'),
    drain('lovage-streams', 'redis+streams:// worker CPU of a task, events off'),
    drain('lovage-streams-events', 'redis+streams:// worker CPU of a task, events on, nobody listens'),
  ];
  return {
    rounds: await measureRounds(context.load.rounds, measurements, (done) =>
      context.say(`round ${done} of ${context.load.rounds}`),
    ),
  };
};
