import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

const packages = fileURLToPath(new URL('./packages', import.meta.url));

/** Tests run on the sources: every door of every package resolves to its door file, so no test sees a stale build. */
export default defineConfig({
  resolve: {
    alias: [
      { find: /^@lovage\/([\w-]+)\/([\w-]+)$/, replacement: `${packages}/$1/src/$2.ts` },
      { find: /^@lovage\/([\w-]+)$/, replacement: `${packages}/$1/src/index.ts` },
      { find: /^lovage\/([\w-]+)$/, replacement: `${packages}/lovage/src/$1.ts` },
      { find: /^lovage$/, replacement: `${packages}/lovage/src/index.ts` },
    ],
  },
  test: {
    include: ['packages/*/{src,test}/**/*.test.ts', 'examples/**/*.test.ts', 'scripts/**/*.test.ts'],
    environment: 'node',
    pool: 'forks',
    // Two, whatever the machine has: tests start servers and workers of their own, and are to run the same everywhere.
    maxWorkers: 2,
    testTimeout: 120_000,
    hookTimeout: 120_000,
    // A test that waits for a promise nobody settles is named, not left hanging.
    teardownTimeout: 10_000,
    // Left-overs of one test never reach the next.
    restoreMocks: true,
    unstubEnvs: true,
  },
});
