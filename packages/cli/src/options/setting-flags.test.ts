import { expect, it } from 'vitest';
import { nameFlags, settingsOf } from './setting-flags.ts';

it('maps flags to the settings they set', () => {
  expect(settingsOf({ queues: ['a', 'b,c'], concurrency: '3', app: './x.ts', drain: undefined })).toEqual({
    'worker.queues': 'a,b,c',
    'worker.concurrency': '3',
  });
});

it('wants a unit for durations, as every flag does', () => {
  expect(settingsOf({ drain: '5s', 'lock-duration': '30s' })).toEqual({
    'worker.drain': '5s',
    'worker.lockDuration': '30s',
  });
  expect(() => settingsOf({ drain: '5' })).toThrow('--drain: "5" has no unit: write 5s or 5ms');
});

it("turns core's name of a setting back into the flag", () => {
  expect(nameFlags('worker.lockDuration (flag): bad')).toBe('--lock-duration: bad');
  expect(nameFlags('worker.drain (environment LOVAGE_DRAIN): bad')).toBe(
    'worker.drain (environment LOVAGE_DRAIN): bad',
  );
});
