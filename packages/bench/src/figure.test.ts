import { describe, expect, it } from 'vitest';
import { figuresOf, peersOf } from './figure.ts';

const run = 'redis:// run, results stored';
const peer = 'bullmq run, no results';

describe('figures', () => {
  it('hold when the ratio reaches the bar', () => {
    const [figure] = figuresOf('throughput', {
      rounds: [
        new Map([
          [run, 9000],
          [peer, 10_000],
        ]),
      ],
    });

    expect(figure).toEqual({
      id: 'P1a',
      name: run,
      value: 9000,
      unit: 'tasks/s',
      ratio: 0.9,
      against: peer,
      bar: '≥ 0.75 ×',
      holds: true,
    });
  });

  it('do not hold when it stays below', () => {
    const [figure] = figuresOf('throughput', {
      rounds: [
        new Map([
          [run, 7000],
          [peer, 10_000],
        ]),
      ],
    });

    expect(figure).toMatchObject({ ratio: 0.7, holds: false });
  });

  it('compare with the bar itself where there is no peer', () => {
    const [imported] = figuresOf('startup', { rounds: [new Map([["import 'lovage'", 81.234]])] });

    expect(imported).toMatchObject({ value: 81.2, ratio: null, against: null, bar: '≤ 80 ms', holds: false });
  });

  it('say why they cannot be measured, or compared', () => {
    const missing = { 'celery whole trip': 'Celery is missing' };
    const figures = figuresOf('throughput', { rounds: [new Map([['redis:// whole trip', 10]])], missing });

    expect(figures.find(({ against }) => against === 'celery whole trip')).toMatchObject({
      value: 10,
      holds: false,
      reason: 'Celery is missing',
    });
    expect(figuresOf('memory', { rounds: [] })[0]).toMatchObject({ value: null, holds: false });
  });

  it('leave the peers for a list of their own', () => {
    const result = {
      rounds: [
        new Map([
          [run, 1],
          [peer, 2222],
        ]),
      ],
    };

    expect(peersOf(figuresOf('throughput', result), result)).toEqual({ [peer]: 2220 });
  });
});
