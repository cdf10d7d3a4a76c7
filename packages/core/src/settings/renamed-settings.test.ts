import { expect, it, vi } from 'vitest';
import { resolveSettings, resolveWorkerSettings, toSettings } from './app-options.ts';

it('reads the old names of settings for one release, and warns once for each', () => {
  const warn = vi.spyOn(process, 'emitWarning').mockImplementation(() => {});
  const given = { worker: { longestBlock: '2m' } } as object;
  const settings = toSettings(resolveSettings(given, {}, 'app'));
  expect(settings.worker.maxEventLoopBlock).toBe(120_000);
  const fromEnvironment = resolveSettings({}, { LOVAGE_LONGEST_BLOCK: '3m' }, 'app');
  expect(toSettings(fromEnvironment).worker.maxEventLoopBlock).toBe(180_000);
  expect(resolveWorkerSettings({ longestBlock: '1m' }, settings.worker, 'startWorker').maxEventLoopBlock).toBe(60_000);
  expect(warn.mock.calls.map(([text]) => text)).toEqual([
    '"worker.longestBlock" is now called "worker.maxEventLoopBlock"; the old name is accepted in this release only',
    '"LOVAGE_LONGEST_BLOCK" is now called "LOVAGE_MAX_EVENT_LOOP_BLOCK"; the old name is accepted in this release only',
  ]);
});

it('takes the new name where both are given', () => {
  vi.spyOn(process, 'emitWarning').mockImplementation(() => {});
  const given = { worker: { longestBlock: '2m', maxEventLoopBlock: '4m' } } as object;
  expect(toSettings(resolveSettings(given, {}, 'app')).worker.maxEventLoopBlock).toBe(240_000);
});
