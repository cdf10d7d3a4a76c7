import { describe, expect, it } from 'vitest';
import { canMove, isTerminal, taskStates, transitions } from './outcome.ts';

describe('the states of a task', () => {
  it('have a row each in the table, with known states only', () => {
    expect(Object.keys(transitions).sort()).toEqual([...taskStates].sort());
    for (const to of Object.values(transitions).flat()) expect(taskStates).toContain(to);
  });

  it('move as the table says and in no other way', () => {
    for (const from of taskStates) {
      for (const to of taskStates) {
        const legal = transitions[from].includes(to) || (from === 'STARTED' && to === 'STARTED');
        expect(canMove(from, to), `${from} to ${to}`).toBe(legal);
      }
    }
  });

  it('never change again once terminal', () => {
    for (const from of taskStates.filter(isTerminal)) {
      for (const to of [...taskStates, 'BREWING']) expect(canMove(from, to), `${from} to ${to}`).toBe(false);
    }
    expect(taskStates.filter(isTerminal)).toEqual(['SUCCESS', 'FAILURE', 'REVOKED']);
  });

  it('all lead to an end', () => {
    for (const start of taskStates) {
      const reached = new Set<string>([start]);
      for (const state of reached) for (const next of transitions[state as keyof typeof transitions]) reached.add(next);
      expect([...reached].some(isTerminal), start).toBe(true);
    }
  });

  it("take a state of the user's own as STARTED", () => {
    expect(canMove('STARTED', 'BREWING')).toBe(true);
    expect(canMove('BREWING', 'POURING')).toBe(true);
    expect(canMove('BREWING', 'SUCCESS')).toBe(true);
    expect(canMove('SENT', 'BREWING')).toBe(false);
    expect(canMove('constructor', 'SUCCESS')).toBe(true);
    expect(isTerminal('BREWING')).toBe(false);
  });
});
