import { type TestApp, testApp } from 'lovage/testing';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { start } from '../test/support.ts';
import { app, charge, charged, outbox, sendMail, signUp } from './shop.ts';

let kit: TestApp;
beforeEach(async () => {
  kit = await testApp(app);
});
afterEach(async () => {
  await kit.close();
  outbox.length = 0;
});

it('with vitest: signing up sends a mail now and one in three days', async () => {
  await signUp('a@b.c');
  expect(kit.enqueued(sendMail)).toMatchObject([{ args: ['a@b.c'], queue: 'mail' }, { eta: expect.any(Date) }]);
  await kit.runAll();
  expect(outbox).toEqual(['a@b.c', 'a@b.c (how do you like it?)']);
});

it('with vitest: a lost reply of the broker does not lose the charge', async () => {
  kit.faults.loseReply(charge);
  await expect(charge.delay('o3', 40)).rejects.toThrow('reply of the broker was lost');
  await kit.runAll();
  expect(charged.get('o3')).toBe(40);
});

it('with node:test, whose process ends by itself', { timeout: 120_000 }, async () => {
  const { code, stdout, stderr } = await start(['--test', 'examples/27-testing/with-node-test.ts']).ended;
  expect(stdout + stderr).toMatch(/pass 4\n/);
  expect(code).toBe(0);
});
