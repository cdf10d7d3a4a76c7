// @ts-check
// `npm run test:celery [-- --all | --interop]`: everything that is tested against Python's Celery, with Celery's own integration suite as a whole;
// with --all against each version of Celery; --interop: without that suite, against each version, with a table at the end.
import { celeryVersions, ensureCelery, usualCelery } from './ensure-celery.mjs';
import { ensureRabbitmq } from './ensure-rabbitmq.mjs';
import { ensureRedis } from './ensure-redis.mjs';
import { binOf, runNode } from './run.mjs';

const isInterop = process.argv.includes('--interop');
const versions = isInterop || process.argv.includes('--all') ? celeryVersions : [usualCelery];
/** @type {string[]} */
const table = [];

for (const ensure of [ensureRedis, ensureRabbitmq]) report(await ensure());
for (const version of versions) {
  if (report(await ensureCelery(version))) {
    table.push(`Celery ${version}: not installed`);
    continue;
  }
  console.log(`lovage: Celery ${version}`);
  const env = { LOVAGE_CELERY_VERSION: version, ...(isInterop ? {} : { LOVAGE_CELERY_SUITE: 'whole' }) };
  const { code } = await runNode([binOf('vitest'), 'run', 'packages/celery'], { env });
  if (code !== 0) process.exitCode = code;
  table.push(`Celery ${version}: ${code === 0 ? 'passes' : 'fails'}`);
}
if (versions.length > 1) console.log(`\n${table.join('\n')}`);

/** @param {string | undefined} problem */
function report(problem) {
  if (!problem) return false;
  console.error(`lovage: ${problem}`);
  process.exitCode = 1;
  return true;
}
