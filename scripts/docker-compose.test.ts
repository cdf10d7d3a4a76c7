import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import {
  type Compose,
  composeProblems,
  dockerfileProblems,
  parseDockerfile,
  type Repository,
} from './container-checks.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const read = (path: string): string => readFileSync(join(root, path), 'utf8');
const compose: Compose = parse(read('docker-compose.yml'));
const dockerfile = read('Dockerfile');

const repository: Repository = {
  exists: (path) => existsSync(join(root, path)),
  commands: ['node', 'npm', 'redis-server', ...Object.keys(JSON.parse(read('packages/lovage/package.json')).bin)],
  scripts: Object.keys(JSON.parse(read('package.json')).scripts),
  workspaces: [...readdirSync(join(root, 'packages')).map((name) => `packages/${name}`), 'examples'],
};

const checkCompose = (text: string): readonly string[] => composeProblems(parse(text), repository);
const checkDockerfile = (text: string): readonly string[] => dockerfileProblems(parseDockerfile(text), repository);

describe('docker-compose.yml', () => {
  const { redis, worker, producer } = compose.services;

  it('has a Redis, a worker and a producer, and everything it names exists', () => {
    expect(Object.keys(compose.services)).toEqual(['redis', 'worker', 'producer']);
    expect(composeProblems(compose, repository)).toEqual([]);
  });

  it('runs a Redis that keeps what it accepted, and refuses what it cannot keep', () => {
    expect(redis?.image).toMatch(/^redis:7\./);
    expect(redis?.command?.join(' ')).toBe(
      'redis-server --appendonly yes --appendfsync everysec --maxmemory-policy noeviction',
    );
    expect(redis?.volumes).toEqual(['redis-data:/data']);
    expect(redis?.healthcheck?.test).toEqual(['CMD-SHELL', 'redis-cli ping | grep -q PONG']);
  });

  it('starts the worker and the producer on that Redis once it is healthy', () => {
    for (const service of [worker, producer]) {
      expect(service?.depends_on?.redis).toEqual({ condition: 'service_healthy' });
      expect(service?.environment).toEqual({ LOVAGE_BROKER_URL: 'redis://redis:6379' });
      expect(service?.build).toBe('.');
    }
  });

  it('lets the worker finish: longer than its own deadline', () => {
    expect(worker?.command?.slice(0, 2)).toEqual(['lovage', 'worker']);
    expect(worker?.stop_grace_period).toBe('35s');
  });

  it.each([
    ['an open port', '- 127.0.0.1:6379:6379', '- 6379:6379', 'redis: port 6379:6379 is open to the network'],
    ['the latest tag', 'image: redis:7.4', 'image: redis:latest', 'redis: redis:latest names no version'],
    ['no tag', 'image: redis:7.4', 'image: redis', 'redis: redis names no version'],
    ['an unknown service', '\n      redis:\n', '\n      rabbit:\n', 'worker: depends on rabbit, which is no service'],
    [
      'a missing file',
      '/producer.ts',
      '/nowhere.ts',
      'producer: there is no file ./examples/02-two-processes/nowhere.ts',
    ],
    ['an unknown command', '["node",', '["deno",', 'producer: there is no command deno'],
    ['an undeclared volume', '- redis-data:', '- other-data:', 'redis: volume other-data is not declared'],
    [
      'a health check that is gone',
      'healthcheck:',
      'x-healthcheck:',
      'worker: waits for redis to be healthy, which has no health check',
    ],
  ])('would report %s', (_what, from, to, problem) => {
    expect(checkCompose(read('docker-compose.yml').replace(from, to))).toContain(problem);
  });
});

describe('Dockerfile', () => {
  it('is built from what is there, and runs unprivileged in exec form', () => {
    expect(checkDockerfile(dockerfile)).toEqual([]);
  });

  it('builds in one stage and runs in another', () => {
    expect(parseDockerfile(dockerfile).map(({ name, image }) => [name, image])).toEqual([
      ['build', 'node:22-slim'],
      ['runtime', 'node:22-slim'],
    ]);
  });

  it.each([
    ['an unknown stage', '--from=build', '--from=nowhere', 'COPY --from=nowhere names no stage before it'],
    ['a missing source', 'COPY scripts', 'COPY nowhere', 'COPY: there is no nowhere'],
    ['a forgotten manifest', /COPY packages\/redis.*\n/, '', 'npm ci runs without packages/redis/package.json'],
    ['an unknown script', 'npm run build', 'npm run bild', 'there is no npm script bild'],
    ['the latest tag', 'node:22-slim AS runtime', 'node AS runtime', 'node names no version'],
    ['root', 'USER node', 'USER root', 'the image runs as root'],
    ['a shell', /CMD .*/, 'CMD lovage worker', 'CMD is not in exec form'],
  ])('would report %s', (_what, from, to, problem) => {
    expect(checkDockerfile(dockerfile.replace(from, to))).toContain(problem);
  });
});
