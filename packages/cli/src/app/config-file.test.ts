import { expect, it } from 'vitest';
import { flattenSettings } from './config-file.ts';

const known = ['broker', 'worker.queues', 'worker.drain', 'connection.tls'];

it('takes nested and flat settings alike', () => {
  const given = {
    broker: 'memory://',
    app: './a.ts',
    worker: { queues: ['a'], drain: undefined },
    'connection.tls': { ca: 'x' },
  };
  expect(flattenSettings(given, known, 'f')).toEqual({
    broker: 'memory://',
    app: './a.ts',
    'worker.queues': ['a'],
    'worker.drain': undefined,
    'connection.tls': { ca: 'x' },
  });
});

it.each([
  [{ brokr: 'x' }, 'f: unknown setting "brokr": did you mean "broker"?'],
  [{ worker: { drian: 1 } }, 'f: unknown setting "worker.drian": did you mean "worker.drain"?'],
  [{ worker: 3 }, 'f: unknown setting "worker"'],
])('refuses %j', (given, message) => {
  expect(() => flattenSettings(given, known, 'f')).toThrow(message);
});
