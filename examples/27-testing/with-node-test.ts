/** The tests of the shop with node:test. No app is closed: an idle one does not keep the process. */
import { deepEqual, equal } from 'node:assert/strict';
import { test } from 'node:test';
import { testApp } from 'lovage/testing';
import { app, charge, charged, checkout, outbox, sendMail, signUp } from './shop.ts';

test('signing up sends a mail now and one in three days', async () => {
  await using kit = await testApp(app);
  await signUp('a@b.c');
  kit.assertEnqueued(sendMail, ['a@b.c'], { times: 1, queue: 'mail' });
  await kit.advance('1m');
  deepEqual(outbox, ['a@b.c']);
  await kit.advance('3d');
  equal(outbox.length, 2);
});

test('checkout awaits the charge', async () => {
  await using kit = await testApp(app);
  equal(await kit.run(() => checkout('o1')), 'charged 40');
});

test('a mail server that is down for an hour costs no mail', async () => {
  await using kit = await testApp(app);
  const down = kit.clock.now() + 3_600_000;
  const mail = kit.fake(sendMail, () => {
    if (kit.clock.now() < down) throw new Error('mail server is down');
  });
  await kit.run(await sendMail.applyAsync(['a@b.c'], { maxRetries: 10 }));
  equal(mail.runs.at(-1)?.error, undefined);
});

test('a charge that runs twice charges once', async () => {
  await using kit = await testApp(app);
  kit.faults.killWorker(charge);
  kit.faults.runTwice(charge);
  await kit.run(() => checkout('o2'));
  equal(charged.get('o2'), 40);
});
