import { getEventListeners } from 'node:events';
import { expect, it } from 'vitest';
import { onAbort } from './abort-signal.ts';

it('has one event listener for all that wait, and none when nobody does', () => {
  const { signal } = new AbortController();
  const ends = Array.from({ length: 1_000 }, () => onAbort(signal, () => {}));
  expect(getEventListeners(signal, 'abort')).toHaveLength(1);
  for (const end of ends) end();
  for (const end of ends) end();
  expect(getEventListeners(signal, 'abort')).toHaveLength(0);
});

it('calls each that still waits, once, in order', () => {
  const controller = new AbortController();
  const called: string[] = [];
  const note = (name: string) => () => void called.push(name);
  onAbort(controller.signal, note('a'));
  const end = onAbort(controller.signal, note('b'));
  const twice = note('c');
  onAbort(controller.signal, twice);
  onAbort(controller.signal, twice);
  end();
  onAbort(controller.signal, note('d'));
  controller.abort();
  controller.abort();
  expect(called).toEqual(['a', 'c', 'c', 'd']);
});

it('listens anew after all have gone', () => {
  const controller = new AbortController();
  onAbort(controller.signal, () => {})();
  let called = 0;
  onAbort(controller.signal, () => {
    called += 1;
  });
  controller.abort();
  expect(called).toBe(1);
});
