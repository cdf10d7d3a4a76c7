import { expect, it } from 'vitest';
import { TaskLimits } from '../middleware/task-limits.ts';
import { checkAllowed, controlCommandNames, createControlCommands } from './control-commands.ts';

it('names every command, and no other', () => {
  const nobody = {} as Parameters<typeof createControlCommands>[0]; // commands look at their targets when they run
  expect(Object.keys(createControlCommands(nobody)).sort()).toEqual([...controlCommandNames].sort());
});

it('refuses to allow what does not exist, with the closest name', () => {
  expect(() => checkAllowed(['ping', 'stat'], 'startWorker: remoteControl')).toThrow(/remoteControl.*"stat".*"stats"/s);
  expect(() => checkAllowed(['ping', 'stats'], 'here')).not.toThrow();
  expect(() => checkAllowed(false, 'here')).not.toThrow();
});

it('refuses a soft time limit above the hard one', () => {
  const limits = new TaskLimits();
  const runtime = { registry: { get: () => ({}) } };
  const commands = createControlCommands({ limits, runtime } as unknown as Parameters<typeof createControlCommands>[0]);
  const set = (soft: string, hard: string) => commands['time-limit']?.({ task: 'work', soft, hard });
  expect(() => set('2m', '1m')).toThrow('time-limit: soft (120000 ms) is above hard (60000 ms)');
  expect(limits.changed.get('work')).toBeUndefined();
  expect(set('1m', '1m')).toBe('time limits of work are set');
  expect(limits.changed.get('work')).toEqual({ soft: 60_000, hard: 60_000 });
});
