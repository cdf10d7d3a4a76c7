import { expect, it } from 'vitest';
import { LimitTable, overdueTasks } from './limit-table.ts';

const passed = (table: LimitTable, entered = 0) => overdueTasks(table.memory, { grace: 0, entered });

it('shows tasks whose hard limit has passed, until they end', () => {
  const table = new LimitTable(() => {});
  const slot = table.begin({ id: 'a', task: 'mail.send' }, 0) as number;
  table.begin({ id: 'b', task: 'mail.send' }, 60_000);
  expect(passed(table)).toEqual([{ id: 'a', task: 'mail.send' }]);
  expect(overdueTasks(table.memory, { grace: 60_000, entered: 0 })).toEqual([]);
  table.end(slot);
  expect(passed(table)).toEqual([]);
});

it('blames only the handler that is in its synchronous part', () => {
  const table = new LimitTable(() => {});
  const slot = table.begin({ id: 'a', task: 'one' }, 0) as number;
  table.begin({ id: 'b', task: 'two' }, 0);
  table.enter(slot, 7);
  expect(passed(table, 7)).toEqual([{ id: 'a', task: 'one' }]);
  expect(passed(table, 8)).toEqual([]);
});

it('grows without losing a task, and takes every id and name', () => {
  let grown: SharedArrayBuffer | undefined;
  const table = new LimitTable((memory) => {
    grown = memory;
  });
  const slots = Array.from({ length: 1_000 }, (_, index) =>
    table.begin({ id: `id-${index}`, task: 'ü'.repeat(90) }, 0),
  );
  expect(new Set(slots).size).toBe(1_000);
  expect(table.memory).toBe(grown);
  expect(new Set(passed(table).map(({ id }) => id)).size).toBe(1_000);
  expect(passed(table)[0]?.task).toMatch(/^ü{50,57}$/);
  expect(table.begin({ id: 'month', task: 'x' }, 30 * 86_400_000)).toBeUndefined();
});
