// @ts-check
// `npm test [-- vitest's arguments]`: the servers and programs that tests need, build, every test, and as the last line how they ended.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from './build.mjs';
import { closingLine, readReport } from './closing-line.mjs';
import { ensureActivemq } from './ensure-activemq.mjs';
import { ensureCelery } from './ensure-celery.mjs';
import { ensureChromium } from './ensure-chromium.mjs';
import { ensureKafka } from './ensure-kafka.mjs';
import { ensureMosquitto } from './ensure-mosquitto.mjs';
import { ensureNats } from './ensure-nats.mjs';
import { ensureOpenssl } from './ensure-openssl.mjs';
import { ensurePostgres } from './ensure-postgres.mjs';
import { ensureRabbitmq } from './ensure-rabbitmq.mjs';
import { ensureRedis } from './ensure-redis.mjs';
import { binOf, runNode } from './run.mjs';

/** On CI a missing part fails the tests that need it; on a laptop they are skipped and say why (CONTRIBUTING.md). */
const onCi = !['', '0', 'false', undefined].includes(process.env.CI);

process.exitCode =
  (await part(ensureRedis)) ||
  (await part(ensureOpenssl)) ||
  (await part(ensureCelery)) ||
  (await part(ensureRabbitmq)) ||
  (await part(ensurePostgres)) ||
  (await part(ensureKafka)) ||
  (await part(ensureNats)) ||
  (await part(ensureMosquitto)) ||
  (await part(ensureActivemq)) ||
  (await part(ensureChromium)) ||
  (await build()) ||
  (await test(process.argv.slice(2)));

/** @param {() => Promise<string | undefined>} ensure */
async function part(ensure) {
  const problem = await ensure();
  if (!problem) return 0;
  console.error(`lovage: ${problem}${onCi ? '' : ' Tests that need it are skipped.'}`);
  return onCi ? 1 : 0;
}

/** @param {string[]} args */
async function test(args) {
  const folder = mkdtempSync(join(tmpdir(), 'lovage-test-'));
  const file = join(folder, 'report.json');
  try {
    const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${file}`];
    const env = onCi ? { LOVAGE_REQUIRE_PARTS: '1' } : {};
    // One flaw of timing among thousands of tests is named, and does not hide what else a run has to say.
    const again = onCi ? ['--retry=1', '--reporter=./scripts/second-runs.mjs'] : [];
    const { code } = await runNode([binOf('vitest'), 'run', ...reporters, ...again, ...args], { env });
    report(readReport(file), code);
    return code;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/**
 * @param {import('./closing-line.mjs').Report | undefined} counts
 * @param {number} code
 */
function report(counts, code) {
  if (!counts) return console.error('lovage: vitest ended without a report, so no test is counted.');
  if (code !== 0 && counts.failed === 0) console.log(`vitest ended with ${code} although no test failed: see above.`);
  console.log(closingLine(counts));
}
