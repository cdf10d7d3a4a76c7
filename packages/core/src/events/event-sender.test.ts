import { expect, it } from 'vitest';
import { createTestClock } from '../testing/test-clock.ts';
import type { LovageEvent } from './event.ts';
import { EventSender, type EventTransport, listeningLead } from './event-sender.ts';

const event = (id: string): LovageEvent => ({ type: 'task.received', id }) as unknown as LovageEvent; // as much as it needs

function setUp(transport?: EventTransport) {
  const clock = createTestClock();
  const sent: unknown[] = [];
  const bus: { listeners: number | undefined } = { listeners: 0 };
  const count: EventTransport = async (_topic, message) => {
    sent.push(message);
    return bus.listeners;
  };
  return { clock, sent, bus, sender: new EventSender(transport ?? count, clock) };
}

it('tells for a while after a message that nobody heard that events are not worth making', async () => {
  const { clock, sent, sender } = setUp();
  sender.send(event('a'));
  expect(sender.noListeners).toBe(false);
  await clock.advance(50);
  expect([sent, sender.noListeners]).toEqual([[[event('a')]], true]);
  await clock.advance(50);
  expect(sender.noListeners).toBe(false);
  sender.send(event('b')); // asks at once whether somebody listens by now
  await clock.advance(0);
  expect([sent.slice(1), sender.noListeners]).toEqual([[[event('b')]], true]);
});

it('misses nothing of what comes when somebody has listened for a moment', async () => {
  const { clock, sent, bus, sender } = setUp();
  sender.send(event('a'));
  await clock.advance(50); // from here on it looks away
  bus.listeners = 1;
  await clock.advance(listeningLead);
  expect(sender.noListeners).toBe(false);
  sender.send(event('b'));
  sender.send(event('c'));
  await clock.advance(50);
  expect(sent.slice(1).flat()).toEqual([event('b'), event('c')]);
});

it('sends on where the bus cannot tell who listens', async () => {
  const { clock, sent, bus, sender } = setUp();
  bus.listeners = undefined;
  sender.send(event('a'));
  await clock.advance(50);
  expect([sent.length, sender.noListeners]).toEqual([1, false]);
});

it('carries one batch at a time, and keeps no more than 10,000 meanwhile', async () => {
  const batches: number[] = [];
  const { sender } = setUp(async (_topic, message) => {
    batches.push((message as unknown[]).length);
    await new Promise(setImmediate);
    return 1;
  });
  for (let n = 0; n < 500 + 10_002; n++) sender.send(event(`${n}`));
  expect([batches, sender.dropped]).toEqual([[500], 5_000]);
  await sender.close();
  expect(batches).toEqual([500, 5_002]);
});

it('sends again after it was closed while nobody listened', async () => {
  const { clock, sent, bus, sender } = setUp();
  sender.send(event('a'));
  await sender.close(); // and looks away from here on
  bus.listeners = 1;
  expect(sender.noListeners).toBe(false);
  sender.send(event('b'));
  await clock.advance(50);
  sender.send(event('c'));
  await clock.advance(50);
  expect(sent.slice(1)).toEqual([[event('b')], [event('c')]]);
});
