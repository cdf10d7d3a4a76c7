/** Uses everything, closes, and says so: what is open afterwards keeps the process from ending. */
import { connect, consume, createMessage, required } from './bench.ts';

const connection = connect(process.argv[2] ?? '', { publishTimeout: 300 });
const seen = await consume(connection, { queues: ['alpha', 'beta'] });
const ignore = (): void => {}; // with a Redis that is not there all of these reject
await Promise.all([
  required(connection.broker).publish([createMessage()]).catch(ignore),
  required(connection.results).watch('inbox', ignore).catch(ignore),
  required(connection.results).get(['x']).catch(ignore),
  required(connection.bus).subscribe('a.*', ignore).catch(ignore),
  required(connection.leases).acquire('a', 'b', 1_000).catch(ignore),
  required(connection.schedules).list().catch(ignore),
  required(connection.monitor).queues().catch(ignore),
  connection.check(300).catch(ignore),
]);
await seen.consumer.close(200);
await connection.close(500);
process.stdout.write('closed\n');
