// What makes a trial worth keeping: its history is judged outside Redis, and its schedule comes back with its seed.
import { expect, it } from 'vitest';
import { Arena } from '../src/arena.ts';
import { check } from '../src/ledger/checker.ts';
import { killWorkers } from '../src/scenarios/kill-workers.ts';

it('a real history without one of its lines is found out', { timeout: 60_000 }, async () => {
  const said: string[] = [];
  const arena = new Arena({ seed: 5, tasks: 60, driver: 'redis', short: true, say: (line) => said.push(line) });
  try {
    await killWorkers.run(arena);
    const entries = arena.entries();
    expect(check(entries).lost).toEqual([]);
    const end = entries.findIndex(({ kind }) => kind === 'END');
    const key = entries[end]?.key;
    const without = entries.filter((entry, index) => index !== end && !(entry.kind === 'RESULT' && entry.key === key));
    expect(check(without)).toMatchObject({ lost: [key], stuck: [key] });
    const unasked = entries.filter((entry) => !(entry.kind === 'SUBMIT' && entry.key === key));
    expect(check(unasked).phantoms).toEqual([key]);
    expect(said[0]).toMatch(/^seed 5: kill #\d after \d+ runs, kill #\d after \d+ runs$/);
  } finally {
    await arena.close();
  }
});
