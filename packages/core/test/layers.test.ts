import { describe, expect, it } from 'vitest';
import {
  createModule,
  cycles,
  deepImports,
  doorViolations,
  forbiddenImports,
  type ImportRule,
  isTest,
  type Layers,
  layerViolations,
  type Module,
  type Package,
  unexpectedClients,
  vitestOutside,
} from './import-graph.ts';
import { readModules, readPackages } from './repository.ts';

/** The flow of a task is the order of core's folders. */
const coreLayers: Layers = {
  order: [
    'options',
    'message',
    'task',
    'events',
    'history',
    'driver',
    'results',
    'flow',
    'unique',
    'producer',
    'plugins',
    'security',
    'settings',
    'stores',
    'canvas',
    'workflow',
    'locks',
    'schedules',
    'messaging',
    'app',
    'worker',
    'beat',
    'inspect',
    'connector',
    'testing',
  ],
  shared: ['abort-signal.ts', 'errors.ts', 'clock.ts', 'retry.ts', 'logger.ts', 'version.ts'],
};

const coreDoors = [
  '',
  '/worker',
  '/beat',
  '/inspect',
  '/connector',
  '/driver',
  '/conformance',
  '/testing',
  '/lease-renewal-thread',
  '/pool-child',
  '/visible',
].map((door) => `@lovage/core${door}`);
const drivers = ['@lovage/redis', '@lovage/redis/lease-guard', '@lovage/celery', '@lovage/postgres'];
const redisClients = ['ioredis', 'bullmq', 'redis'];

/** The table of packages: which of our doors each may go through, and which dependencies it must never have. */
const table: Readonly<Record<string, ImportRule>> = {
  core: { own: [], never: [...redisClients, 'yargs', 'pino', 'hono'] },
  redis: { own: ['@lovage/core/driver'], never: ['yargs', 'pino', 'hono'] },
  celery: { own: ['@lovage/core/driver'], never: ['bullmq', 'yargs', 'pino', 'hono'] },
  postgres: { own: ['@lovage/core/driver'], never: [...redisClients, 'yargs', 'pino', 'hono'] },
  cli: { own: [...coreDoors, '@lovage/dashboard'], never: redisClients },
  dashboard: { own: ['@lovage/core', '@lovage/core/beat', '@lovage/core/inspect'], never: [...redisClients, 'yargs'] },
  opentelemetry: { own: ['@lovage/core'], never: [...redisClients, 'yargs'] },
  connect: {
    own: ['@lovage/core', '@lovage/core/connector', '@lovage/core/inspect', '@lovage/core/worker'],
    never: [...redisClients, 'yargs', 'pino', 'hono'],
  },
  lovage: { own: [...coreDoors, ...drivers, '@lovage/cli', '@lovage/dashboard'], never: [...redisClients, 'yargs'] },
  bench: {
    own: [...coreDoors, ...drivers, 'lovage', ...coreDoors.map((door) => door.replace('@lovage/core', 'lovage'))],
    never: [],
  },
  chaos: { own: [...coreDoors, ...drivers, 'lovage', 'lovage/beat', 'lovage/worker', 'lovage/inspect'], never: [] },
};

const packages = readPackages();
const everyModule = readModules();
const modules = everyModule.filter((module) => !isTest(module));
const of = (folder: string): readonly Module[] => modules.filter((module) => module.folder === folder);

const mayUseVitest = ({ folder, file }: Module): boolean =>
  (folder === 'core' && /^testing[./]/.test(file)) || (folder === 'connect' && file.startsWith('exam/'));
/** The bench measures raw clients against us; the fault suite does harm behind our back. */
const mayCreateClients = ({ folder, file }: Module): boolean =>
  folder === 'bench' ||
  folder === 'chaos' ||
  (folder === 'redis' && file === 'connection.ts') ||
  (folder === 'celery' && file === 'redis/connection.ts');

describe('the order of the house', () => {
  it('reads the sources it judges', () => {
    expect(Object.keys(table)).toEqual(expect.arrayContaining(packages.map(({ folder }) => folder)));
    for (const { folder } of packages) expect(of(folder), folder).not.toEqual([]);
    expect(of('core').flatMap(({ imports }) => imports).length).toBeGreaterThan(20);
  });

  it('core imports downward only', () => {
    expect(layerViolations(of('core'), coreLayers)).toEqual([]);
  });

  it.each(packages.map(({ folder }) => folder))('%s has no import cycle, types included', (folder) => {
    expect(cycles(of(folder))).toEqual([]);
  });

  it('a package is entered by its doors', () => {
    expect(deepImports(everyModule, packages)).toEqual([]);
  });

  it('a package imports what the table allows', () => {
    expect(forbiddenImports(modules, packages, table)).toEqual([]);
  });

  it('vitest is known to core/testing alone', () => {
    expect(vitestOutside(modules, mayUseVitest)).toEqual([]);
  });

  it('Redis clients are created in the connection.ts of their package alone', () => {
    expect(unexpectedClients(modules, mayCreateClients)).toEqual([]);
  });

  it('doors only re-export, by name', () => {
    expect(doorViolations(modules, packages)).toEqual([]);
  });

  it('at the top of core stand doors and the shared files, nothing else', () => {
    const doors = packages.find(({ folder }) => folder === 'core')?.doors.values() ?? [];
    const top = of('core').filter(({ file }) => !file.includes('/'));
    expect(top.map(({ file }) => file).sort()).toEqual([...doors, ...coreLayers.shared].sort());
  });
});

describe('each rule reports what breaks it', () => {
  const core: Package = {
    folder: 'core',
    name: '@lovage/core',
    doors: new Map([
      ['@lovage/core', 'index.ts'],
      ['@lovage/core/driver', 'driver.ts'],
    ]),
  };
  const redis: Package = { folder: 'redis', name: '@lovage/redis', doors: new Map([['@lovage/redis', 'index.ts']]) };
  const inCore = (file: string, text: string): Module => createModule('core', file, text);

  it.each([
    ['upward', 'task/task.ts', "import { a } from '../worker/worker.ts';", 'later in the order'],
    ['upward, for a type', 'driver/broker.ts', "import type { A } from '../results/inbox.ts';", 'later in the order'],
    ['upward, by re-export', 'task/task.ts', "export { a } from '../app/app.ts';", 'later in the order'],
    ['upward, when it runs', 'task/task.ts', "const a = await import('../app/app.ts');", 'later in the order'],
    ['upward, in a type', 'task/task.ts', "type A = import('../app/app.ts').App;", 'later in the order'],
    [
      'upward, over several lines',
      'task/a.ts',
      "import {\n  a,\n  b,\n} from '../events/event.ts';",
      'later in the order',
    ],
    ['upward, from a folder in a folder', 'driver/memory/a.ts', "import '../../app/app.ts';", 'later in the order'],
    ['upward, from a shared file', 'errors.ts', "import type { A } from './task/task.ts';", 'later in the order'],
    ['of a door', 'worker/worker.ts', "import { a } from '../driver.ts';", 'through its doors'],
    ['from a folder without a layer', 'misc/a.ts', "import { a } from '../errors.ts';", 'misc/a.ts stands in no layer'],
    ['of a folder without a layer', 'worker/a.ts', "import { a } from '../misc/a.ts';", 'misc/a.ts stands in no layer'],
  ])('an import %s', (_what, file, text, problem) => {
    expect(layerViolations([inCore(file, text)], coreLayers)).toEqual([expect.stringContaining(problem)]);
  });

  it.each([
    ['downward', 'worker/middleware/a.ts', "import { a } from '../../task/task.ts';"],
    ['within a layer', 'driver/memory/a.ts', "import { a } from '../broker.ts';"],
    ['of a shared file', 'task/task.ts', "import { a } from '../errors.ts';"],
    ['in a comment', 'task/task.ts', "/** import { a } from '../app/app.ts'; */\n// import('../app/app.ts')"],
    ['in a string', 'task/task.ts', 'const a = "import b from \'../app/app.ts\';";'],
    ['behind a pattern with quotes', 'task/task.ts', "const a = /['\"`]/;\n// '\nimport('../task/b.ts');"],
  ])('but not one %s', (_what, file, text) => {
    expect(layerViolations([inCore(file, text)], coreLayers)).toEqual([]);
  });

  it('a cycle, types included, as the way round', () => {
    const around = [
      inCore('task/a.ts', "import type { B } from './b.ts';"),
      inCore('task/b.ts', "export type { C } from './c.ts';"),
      inCore('task/c.ts', "import { a } from './a.ts';"),
      inCore('task/d.ts', "import { a } from './a.ts';"),
    ];
    expect(cycles(around)).toEqual(['task/a.ts → task/b.ts → task/c.ts → task/a.ts']);
    expect(cycles(around.slice(1))).toEqual([]);
    expect(cycles([inCore('task/a.ts', "import { a } from './a.ts';")])).toEqual(['task/a.ts → task/a.ts']);
  });

  it.each([
    ["import { a } from '@lovage/core/dist/task/task.js';", '@lovage/core has no such door'],
    ["import { a } from '@lovage/core/worker/worker.ts';", '@lovage/core has no such door'],
    ["import type { A } from '../../core/src/task/task.ts';", 'leads out of the package'],
  ])('a deep import: %s', (text, problem) => {
    expect(deepImports([createModule('redis', 'index.ts', text)], [core, redis])).toEqual([
      expect.stringContaining(problem),
    ]);
  });

  it.each([
    ['core', "import { a } from '@lovage/redis';", 'core may not depend on it'],
    ['core', "import { Queue } from 'bullmq';", 'core must never import it'],
    ['core', "const { Redis } = await import('ioredis');", 'core must never import it'],
    ['redis', "import { Lovage } from '@lovage/core';", 'redis may not depend on it'],
    ['cli', "import type { Redis } from 'ioredis';", 'cli must never import it'],
    ['cli', "import { a } from '@lovage/redis';", 'cli may not depend on it'],
    ['celery', "import { a } from 'bullmq/dist/a.js';", 'celery must never import it'],
    ['unheard-of', "import { a } from '@lovage/core';", 'unheard-of may not depend on it'],
  ])('an import that the table rules out: %s, %s', (folder, text, problem) => {
    const found = forbiddenImports([createModule(folder, 'a.ts', text)], [core, redis], table);
    expect(found).toEqual([expect.stringContaining(problem)]);
  });

  it('vitest outside core/testing', () => {
    const asks = "import { expect } from 'vitest';";
    const found = vitestOutside([inCore('task/a.ts', asks), inCore('testing/a.ts', asks)], mayUseVitest);
    expect(found).toEqual(['core/src/task/a.ts:1 imports vitest: only ./testing knows vitest']);
  });

  it.each(['new Redis(url)', 'new Cluster([])', 'new Redis.Cluster([])', 'new IORedis()'])(
    'a client made elsewhere: %s',
    (text) => {
      const found = unexpectedClients(
        [createModule('redis', 'bus/a.ts', `const a = ${text};`), createModule('redis', 'connection.ts', text)],
        mayCreateClients,
      );
      expect(found).toEqual(['redis/src/bus/a.ts creates a Redis client']);
    },
  );

  it.each([
    "export * from './task/task.ts';",
    "export * as task from './task/task.ts';",
    'export const a = 1;',
    "import './task/task.ts';",
    "import { a } from './task/task.ts';\nexport { a };",
  ])('a door that does more: %s', (text) => {
    const door = inCore('index.ts', `/** The door. */\nexport { b } from './b.ts';\n${text}`);
    expect(doorViolations([door], [{ ...core, doors: new Map([['@lovage/core', 'index.ts']]) }])).toEqual([
      'core/src/index.ts is a door and may only re-export, by name',
    ]);
  });

  it('a door that leads nowhere', () => {
    expect(doorViolations([inCore('index.ts', 'export {};')], [core])).toEqual([
      '@lovage/core/driver leads to core/src/driver.ts, which is not there',
    ]);
  });
});
