import { describe, expect, it } from 'vitest';
import type { CanvasRef } from '../message/canvas-ref.ts';
import { continuation, dependentEnding, type Ending, originalEnding } from './continuation.ts';

const failure = { name: 'RangeError', message: 'no' };
const failed: Ending = { state: 'FAILURE', failure };
const follow = (canvas: CanvasRef, ending: Ending) => continuation({ id: 'a', task: 'work', canvas }, ending);

describe('what follows the end of a unit', () => {
  it('is nothing where nothing was asked for', () => {
    expect(follow({}, { state: 'SUCCESS', value: 1 })).toEqual([]);
    expect(follow({}, failed)).toEqual([]);
  });

  it('after a success: links, the next step, and the error callbacks let go', () => {
    const canvas = {
      next: 'b',
      links: [{ plan: 'l', run: 'lr' }],
      errors: [
        { plan: 'e', run: 'er' },
        { plan: 'c', run: 'cr', keep: true },
      ],
    };
    expect(follow(canvas, { state: 'SUCCESS', value: 1 })).toEqual([
      { do: 'fire', callbacks: canvas.links, input: { value: 1 }, parentId: 'a' },
      { do: 'start', id: 'b', input: { value: 1 } },
      { do: 'forget', ids: ['l', 'e'] },
    ]);
  });

  it('after a success at the end of a member: its join, with what it added', () => {
    const join = { group: 'g', index: 3, size: 5 };
    expect(continuation({ id: 'a', task: 'work', canvas: { join }, added: 2 }, { state: 'SUCCESS' })).toEqual([
      { do: 'join', join, by: 'a', added: 2 },
    ]);
  });

  it.each([
    ['nothing', undefined, { value: null }],
    ['a small value', { n: 1 }, { value: { n: 1 } }],
    ['a large value', 'x'.repeat(20_000), { from: 'a' }],
    ['a large list', Array.from({ length: 20_000 }, () => 0), { from: 'a' }],
  ])('hands on %s', (_what, value, input) => {
    expect(follow({ next: 'b' }, { state: 'SUCCESS', ...(value === undefined ? {} : { value }) })).toEqual([
      { do: 'start', id: 'b', input },
    ]);
  });

  it('hands on the list of a group by reference', () => {
    const list = { group: 'a', size: 2 };
    expect(follow({ next: 'b' }, { state: 'SUCCESS', list })).toEqual([{ do: 'start', id: 'b', input: { from: 'a' } }]);
  });

  it('after a failure: the error callbacks first, then what can never run, then the group', () => {
    const errors = [{ plan: 'e', run: 'er' }];
    const ending = dependentEnding({ id: 'a', task: 'work' }, failed as never);
    expect(follow({ next: 'b', errors }, failed)).toEqual([
      { do: 'fire', callbacks: errors, input: { value: 'a' }, parentId: 'a' },
      { do: 'fail-dependents', id: 'b', ending },
      { do: 'forget', ids: ['e'] },
    ]);
    expect(follow({ join: { group: 'g', index: 0 } }, failed)).toEqual([{ do: 'fail-group', id: 'g', ending }]);
  });

  it('what replaced a task ends it as it ended', () => {
    expect(follow({ replaces: 'm' }, failed)).toEqual([{ do: 'conclude', id: 'm', ending: failed }]);
  });

  it('tells the original error however far away it is', () => {
    const near = dependentEnding({ id: 'a', task: 'work' }, failed as never);
    const far = dependentEnding({ id: 'b', task: 'other' }, near);
    expect(far).toBe(near);
    expect(near).toMatchObject({ failure: { name: 'DependencyFailedError', cause: failure } });
    expect(originalEnding(far)).toEqual(failed);
  });

  it('after a revoked unit the later ones are revoked, with that as cause', () => {
    const ending = dependentEnding({ id: 'a', task: 'work' }, { state: 'REVOKED', reason: 'expired' });
    expect(ending).toMatchObject({ state: 'REVOKED', reason: 'expired', failure: { name: 'TaskRevokedError' } });
    expect(dependentEnding({ id: 'b', task: 'x' }, ending)).toBe(ending);
  });
});
