import { inspect, types } from 'node:util';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { TaskFailedError, WorkerLostError } from '../errors.ts';
import { ErrorRegistry, type Failure, toFailure } from './failure.ts';

class CardError extends Error {
  readonly code: string;
  constructor(code: string) {
    super(`declined: ${code.toUpperCase()}`);
    this.name = 'CardError';
    this.code = code;
  }
  get status(): number {
    return 402;
  }
}

const context = { taskId: 'id', task: 'billing.charge', attempts: 2 };

describe('toFailure', () => {
  it('keeps name, message, stack, own fields and causes', () => {
    const error = new CardError('x1');
    error.cause = new TypeError('deeper', { cause: 'text' });
    const failure = toFailure(error);
    expect(failure).toMatchObject({
      name: 'CardError',
      message: 'declined: X1',
      data: { code: 'x1' },
      cause: { name: 'TypeError', message: 'deeper', cause: { name: 'NonError', message: 'text' } },
    });
    expect(failure.stack).toContain('failure.test.ts');
    expect(JSON.parse(JSON.stringify(failure))).toEqual(failure);
  });

  it('names an error by its class where that sets no name', () => {
    class NetworkError extends TypeError {}
    class Plain extends NetworkError {}
    const minified = class a extends Error {};
    expect(
      [new NetworkError(), new Plain(), new minified(), new RangeError('far')].map((error) => toFailure(error).name),
    ).toEqual([...['NetworkError', 'Plain', 'Error', 'RangeError']]);
    expect(toFailure(Object.assign(new Plain(), { name: 'TypeError' })).name).toBe('TypeError');
    const errors = new ErrorRegistry();
    errors.register(NetworkError);
    expect(errors.toError(toFailure(new NetworkError('gone')), context)).toBeInstanceOf(NetworkError);
  });

  it.each([
    ['text', 'text'],
    [undefined, 'undefined was thrown'],
    [null, 'null was thrown'],
    [42, '42'],
    [{ code: 7 }, '{"code":7}'],
    [Symbol('s'), 'Symbol(s)'],
    [10n, '10'],
  ])('describes a thrown %s', (thrown, message) => {
    expect(toFailure(thrown)).toEqual({ name: 'NonError', message });
  });

  it('knows errors of another realm', () => {
    expect(toFailure(runInNewContext('new RangeError("far away")'))).toMatchObject({
      name: 'RangeError',
      message: 'far away',
    });
  });

  it('never throws, whatever was thrown', () => {
    const revoked = Proxy.revocable({}, {});
    revoked.revoke();
    const hostile = new Proxy(new Error('x'), {
      get: () => {
        throw new Error('get');
      },
      ownKeys: () => {
        throw new Error('keys');
      },
    });
    const getters = new Error('kept');
    // `stack` first: taking its place makes V8 write it out, which reads the name
    for (const key of ['stack', 'name', 'cause', 'extra']) {
      Object.defineProperty(getters, key, {
        enumerable: true,
        get: () => {
          throw new Error(key);
        },
      });
    }
    const circular: Error = new Error('circular');
    circular.cause = circular;
    Object.assign(circular, { self: circular, list: [circular] });
    for (const thrown of [revoked.proxy, hostile, getters, circular, Object.create(null), () => {}]) {
      expect(typeof toFailure(thrown).message).toBe('string');
    }
    expect(toFailure(getters).message).toBe('kept');
  });

  it('bounds causes, texts and fields', () => {
    let chain = new Error('root');
    for (let depth = 0; depth < 100; depth += 1) chain = new Error('outer', { cause: chain });
    let depth = 0;
    for (let failure: Failure | undefined = toFailure(chain); failure; failure = failure.cause) depth += 1;
    expect(depth).toBe(9);
    const large = Object.assign(new Error('m'.repeat(1e6)), { text: 't'.repeat(1e6), buffer: Buffer.alloc(1e6) });
    large.name = 'n'.repeat(1e6);
    for (let index = 0; index < 1000; index += 1) Object.assign(large, { [`field${index}`]: index });
    expect(JSON.stringify(toFailure(large)).length).toBeLessThan(100_000);
  });
});

describe('ErrorRegistry', () => {
  it('gives TaskFailedError for classes it does not know', () => {
    const failure = toFailure(new CardError('x1'));
    const error = new ErrorRegistry().toError(failure, context);
    expect(error).toBeInstanceOf(TaskFailedError);
    expect(error).toMatchObject({ ...context, remoteName: 'CardError', message: 'declined: X1', data: { code: 'x1' } });
    expect((error as TaskFailedError).remoteStack).toBe(failure.stack);
  });

  it('gives back a registered class as itself, without running its constructor', () => {
    const registry = new ErrorRegistry();
    registry.register(CardError);
    const failure = toFailure(new CardError('x1'));
    const error = registry.toError(failure, context);
    expect(error).toBeInstanceOf(CardError);
    expect(error).toMatchObject({
      name: 'CardError',
      message: 'declined: X1',
      code: 'x1',
      status: 402,
      stack: failure.stack,
    });
    expect(types.isNativeError(error)).toBe(true);
    expect(inspect(error)).toContain('declined: X1');
  });

  it('revives causes too, known and unknown', () => {
    const registry = new ErrorRegistry();
    registry.register(CardError, 'Card');
    const failure = {
      name: 'Odd',
      message: 'o',
      cause: { name: 'Card', message: 'c', cause: { name: 'Deep', message: 'd' } },
    };
    const error = registry.toError(failure, context);
    expect(error.cause).toBeInstanceOf(CardError);
    expect((error.cause as Error).cause).toMatchObject({ name: 'Deep', message: 'd' });
    expect((error.cause as Error).cause).toBeInstanceOf(Error);
  });

  it('knows a lost worker by name', () => {
    expect(new ErrorRegistry().toError({ name: 'WorkerLostError', message: 'gone' }, context)).toBeInstanceOf(
      WorkerLostError,
    );
  });

  it('lets nothing from the wire run a setter, change a prototype or overflow a stack', () => {
    const registry = new ErrorRegistry();
    registry.register(CardError);
    const data = JSON.parse('{"__proto__":{"polluted":1},"status":500,"message":"other","code":"x"}');
    for (const name of ['CardError', 'Unknown']) {
      const failure = { name, message: 'm', data, cause: { name, message: 'm', data } };
      const error = registry.toError(failure, context);
      for (const each of [error, error.cause as Error]) {
        expect((each as { polluted?: number }).polluted).toBeUndefined();
        expect(each.message).toBe('m');
        expect(each).toBeInstanceOf(Error);
      }
    }
    let deep: Failure = { name: 'E', message: 'm' };
    for (let depth = 0; depth < 50_000; depth += 1) deep = { name: 'E', message: 'm', cause: deep };
    expect(registry.toError(deep, context).message).toBe('m');
  });

  it('does not take names of Object.prototype for classes', () => {
    for (const name of ['constructor', 'toString', '__proto__', 'hasOwnProperty']) {
      expect(new ErrorRegistry().toError({ name, message: 'm' }, context)).toBeInstanceOf(TaskFailedError);
    }
  });
});
