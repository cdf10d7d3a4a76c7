import { expect, it } from 'vitest';
import { closingLine, countReport, readReport } from './closing-line.mjs';

const file = (status: string, ...tests: string[]) => ({
  status,
  assertionResults: tests.map((test) => ({ status: test })),
});

it('counts tests, with todo as skipped', () => {
  const testResults = [file('passed', 'passed', 'pending', 'todo', 'skipped'), file('failed', 'passed', 'failed')];
  expect(countReport({ testResults })).toEqual({ passed: 2, failed: 1, skipped: 3 });
});

it('counts a file that could not be loaded as one failure', () => {
  const testResults = [file('failed'), file('failed', 'skipped'), file('passed', 'passed')];
  expect(countReport({ testResults })).toEqual({ passed: 1, failed: 2, skipped: 1 });
});

it('has no counts when vitest wrote none', () => {
  expect(readReport('/nowhere/report.json')).toBeUndefined();
});

it('is one line in the form that CI reads', () => {
  const line = closingLine({ passed: 12, failed: 0, skipped: 3 });
  expect(line).toBe('Tests: 12 passed, 0 failed, 3 skipped');
  expect(line).toMatch(/^(\w+: )?\d+ passed, \d+ failed, \d+ skipped$/);
});
