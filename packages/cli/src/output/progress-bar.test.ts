import { expect, it, onTestFinished, vi } from 'vitest';
import { createProgressLine, formatProgress, shareOf } from './progress-bar.ts';

it('reads shares, percentages and counts', () => {
  const said = [
    0,
    0.5,
    1,
    50,
    100,
    101,
    -1,
    { done: 1, total: 4 },
    { current: 2, total: 4 },
    { total: 0 },
    'half',
    null,
  ];
  expect(said.map(shareOf)).toEqual([
    0,
    0.5,
    1,
    0.5,
    1,
    undefined,
    undefined,
    0.25,
    0.5,
    undefined,
    undefined,
    undefined,
  ]);
});

it('draws a bar, and shows what is hostile as text in colours that are whole', () => {
  expect(formatProgress(0.5)).toBe(`${'█'.repeat(15)}${'░'.repeat(15)}  50 %`);
  expect(formatProgress({ done: 1, total: 1, step: 'mail' })).toMatch(
    /^█{30} 100 % {2}\{"done":1,"total":1,"step":"mail"\}$/,
  );
  const written: string[] = [];
  const write = vi.spyOn(process.stderr, 'write').mockImplementation((text) => written.push(String(text)) > 0);
  onTestFinished(() => write.mockRestore());
  vi.stubEnv('FORCE_COLOR', '1');
  onTestFinished(() => void vi.unstubAllEnvs());
  const line = createProgressLine();
  line.show('\u001b[2J now');
  line.show(1);
  line.end();
  expect(written.join('')).toContain('\\u001b[2J now');
  expect(written.join('')).toContain(`\u001b[32m${'█'.repeat(30)}\u001b[39m`);
  expect(written.join('')).not.toContain('\0');
});
