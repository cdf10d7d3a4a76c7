// @ts-check
// `npm run test:connect`: every connector's exam, with the cases that take long (servers killed and started again).
import { ensureActivemq } from './ensure-activemq.mjs';
import { ensureKafka } from './ensure-kafka.mjs';
import { ensureMosquitto } from './ensure-mosquitto.mjs';
import { ensureNats } from './ensure-nats.mjs';
import { ensureRabbitmq } from './ensure-rabbitmq.mjs';
import { binOf, runNode } from './run.mjs';

for (const ensure of [ensureKafka, ensureRabbitmq, ensureNats, ensureMosquitto, ensureActivemq]) {
  const problem = await ensure();
  if (problem) console.error(`lovage: ${problem} Tests that need it are skipped.`);
}
const { code } = await runNode([binOf('vitest'), 'run', 'packages/connect', ...process.argv.slice(2)], {
  env: { LOVAGE_LONG: '1' },
});
process.exitCode = code;
