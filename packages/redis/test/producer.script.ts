/** A producer in plain code that never closes its app: what is open afterwards keeps the process. */
import { Lovage } from '@lovage/core';
import { z } from 'zod';
import { redisDriver, streamsDriver } from '../src/index.ts';

const [url = '', how = ''] = process.argv.slice(2);
const app = new Lovage('shop', {
  broker: url,
  drivers: [redisDriver, streamsDriver],
  publishTimeout: how === 'fail' ? '1s' : '60s',
});
const send = app.remote('mail.send', { args: z.tuple([z.string()]), returns: z.string() });
const say = (what: string): void => void process.stdout.write(`${what}\n`);

if (how === 'send') say((await send.delay('a@b.c')).id.length > 0 ? 'sent' : 'no id');
if (how === 'call') say(await send.call(['a@b.c'], { timeout: '60s' }));
if (how === 'get') {
  const result = await send.delay('a@b.c');
  void result.get({ timeout: '60s' }).then(say); // not awaited, as in a script without top-level await
}
if (how === 'fail') await send.delay('a@b.c').catch((error: Error) => say(error.name));
if (how === 'listen') {
  await app.events.on('*', () => {});
  say('listening');
}
