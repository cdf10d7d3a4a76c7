import { expect, it } from 'vitest';
import { IdMap } from './id-map.ts';

it('does what a Map does, through ten thousand changes', () => {
  const map = new IdMap<number>();
  const model = new Map<string, number>();
  for (let step = 0; step < 10_000; step += 1) {
    const id = `${(step * 7919) % 400}`;
    if (model.has(id)) {
      model.delete(id);
      map.delete(id);
    } else {
      model.set(id, step);
      map.add(id, step);
    }
    expect(map.get(id)).toBe(model.get(id));
  }
  expect(map.size).toBe(model.size);
  expect(map.values().sort()).toEqual([...model.values()].sort());
  for (const [id, value] of model) expect(map.get(id)).toBe(value);
});

it('takes the deletion of an unknown id, and ids of any length', () => {
  const map = new IdMap<string>();
  map.delete('unknown');
  map.add('', 'empty');
  map.add('a', 'short');
  expect([map.get(''), map.get('a'), map.get('b'), map.size]).toEqual(['empty', 'short', undefined, 2]);
  map.delete('');
  expect([map.get(''), map.size]).toEqual([undefined, 1]);
});
