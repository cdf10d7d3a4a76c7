import { expect, it } from 'vitest';
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
