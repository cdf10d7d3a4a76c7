import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { complete, type Lock, missingFrom, platformOf } from './complete-lock.mjs';

const text = readFileSync(new URL('../package-lock.json', import.meta.url), 'utf8');
const lock: Lock = JSON.parse(text);

it('names the native packages of every platform, so that npm ci works on each (else: npm run lock)', () => {
  expect(missingFrom(lock)).toEqual([]);
});

it('names no registry and no machine', () => {
  const resolved = Object.entries(lock.packages).filter(([, { resolved, link }]) => resolved !== undefined && !link);
  expect(resolved).toEqual([]);
  expect(text).not.toContain('file:');
});

it('completes a lock file that lacks a platform, and only that', () => {
  const optionalDependencies = { '@a/linux-x64-musl': '1.0.0', '@a/windows-64': '1.0.0' };
  const packages = {
    'node_modules/a': { version: '1.0.0', dev: true, optionalDependencies },
    'node_modules/@a/windows-64': { version: '1.0.0' },
  };
  expect(complete({ packages }).packages).toEqual({
    ...packages,
    'node_modules/@a/linux-x64-musl': {
      version: '1.0.0',
      cpu: ['x64'],
      dev: true,
      libc: ['musl'],
      optional: true,
      os: ['linux'],
    },
  });
});

it.each([
  ['@rollup/rollup-linux-arm-musleabihf', { cpu: ['arm'], libc: ['musl'], os: ['linux'] }],
  ['@turbo/windows-64', { cpu: ['x64'], os: ['win32'] }],
  ['@rollup/rollup-win32-x64-gnu', { cpu: ['x64'], os: ['win32'] }],
  ['@biomejs/cli-darwin-arm64', { cpu: ['arm64'], os: ['darwin'] }],
])('reads the platform of %s', (name, platform) => {
  expect(platformOf(name)).toEqual(platform);
});

it('does not guess', () => {
  expect(() => platformOf('fsevents')).toThrow('does not say which platform');
});
