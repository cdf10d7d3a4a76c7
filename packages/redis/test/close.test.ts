import { createServer } from 'node:net';
import { chain, Lovage } from '@lovage/core';
import { systemClock } from '@lovage/core/driver';
import { expect, it } from 'vitest';
import { redisDriver, streamsDriver } from '../src/index.ts';

/** A port that nobody listens at. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

it.each(['redis', 'redis+streams'])(
  'closing an app of %s:// whose Redis is not there ends what is under way in two seconds, and what comes later at once',
  async (scheme) => {
    const broker = `${scheme}://127.0.0.1:${await freePort()}`;
    let later = 0;
    const clock = { ...systemClock, monotonic: () => performance.now() + later };
    const app = new Lovage('closing', { broker, clock, drivers: [redisDriver, streamsDriver], logLevel: 'silent' });
    const add = app.task('add', (x: number, y: number) => x + y);
    const closed = { name: 'ClosedError', code: 'CLOSED' };
    const ends: Promise<unknown>[] = [];
    const send = (work: Promise<unknown>): void => {
      ends.push(expect(work).rejects.toMatchObject(closed));
    };
    send(add.delay(1, 1));
    later = 300; // publishes that begin within 250 ms share a deadline
    send(add.delay(2, 2));
    send(chain(add.s(3, 3), add.s(1)).delay());
    send(add.call([6, 6]));
    const begun = performance.now();
    await app.close();
    await Promise.all(ends);
    send(add.delay(4, 4));
    send(chain(add.s(5, 5), add.s(1)).delay());
    send(app.asyncResult('any').state());
    send(add.call([7, 7]));
    await Promise.all(ends);
    expect(performance.now() - begun).toBeLessThan(4_000); // a publish has five seconds
  },
);
