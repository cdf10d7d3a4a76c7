// @ts-check
// `npm run test:celery [-- --all]`: everything that is tested against Python's Celery, with Celery's own integration suite as a whole;
// with --all against each version of Celery.
import { celeryVersions, ensureCelery, usualCelery } from './ensure-celery.mjs';
import { ensureRabbitmq } from './ensure-rabbitmq.mjs';
import { ensureRedis } from './ensure-redis.mjs';
import { binOf, runNode } from './run.mjs';

const versions = process.argv.includes('--all') ? celeryVersions : [usualCelery];

for (const ensure of [ensureRedis, ensureRabbitmq]) report(await ensure());
for (const version of versions) {
  if (report(await ensureCelery(version))) continue;
  console.log(`lovage: Celery ${version}`);
  const env = { CELERY_VERSION: version, LOVAGE_CELERY_SUITE: 'whole' };
  const { code } = await runNode([binOf('vitest'), 'run', 'packages/celery'], { env });
  if (code !== 0) process.exitCode = code;
}

/** @param {string | undefined} problem */
function report(problem) {
  if (!problem) return false;
  console.error(`lovage: ${problem}`);
  process.exitCode = 1;
  return true;
}
