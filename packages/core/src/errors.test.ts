import { describe, expect, it } from 'vitest';
import * as errors from './errors.ts';

type AnyClass = new (...args: unknown[]) => Error;
const classes = Object.entries(errors).filter(([, value]) => typeof value === 'function') as [string, AnyClass][];

/** Arguments that any constructor of the catalogue takes without complaint. */
function build(name: string, errorClass: AnyClass): Error {
  if (name === 'LovageError') return new errors.LovageError('CLOSED', 'text');
  if (name === 'PublishError') return new errors.PublishError(new Map([['id', new Error('full')]]));
  if (name === 'TaskValidationError')
    return new errors.TaskValidationError('t', 'arguments', [{ path: '', message: 'm' }]);
  if (name === 'TopicValidationError') return new errors.TopicValidationError('t', [{ path: '', message: 'm' }]);
  if (name === 'CompensationFailedError') return new errors.CompensationFailedError('id', ['undo'], new Error('full'));
  if (name === 'WorkflowDivergedError') {
    return new errors.WorkflowDivergedError('id', { key: 'a', expected: 'b', asked: 'c', version: '1' });
  }
  if (name === 'TaskFailedError') {
    return new errors.TaskFailedError('text', { taskId: 'id', task: 't', remoteName: 'E', attempts: 1 });
  }
  return new errorClass('text', 'more', 1, 'option');
}

describe('the error catalogue', () => {
  it.each(classes)('%s is an Error whose name is its class name', (name, errorClass) => {
    const error = build(name, errorClass);
    expect(error).toBeInstanceOf(Error);
    expect(error.name).toBe(name);
    expect(error.message).not.toBe('');
    expect(error.stack).toContain(error.message.split('\n')[0]);
  });

  it('gives every LovageError a code of its own class', () => {
    const codes = new Map<string, string>();
    for (const [name, errorClass] of classes) {
      const error = build(name, errorClass);
      if (!(error instanceof errors.LovageError) || name === 'LovageError') continue;
      expect(codes.get(error.code), `${name} shares its code`).toBeUndefined();
      expect(error.code).toMatch(/^[A-Z_]+$/);
      codes.set(error.code, name);
    }
    expect(codes.size).toBeGreaterThan(20);
  });

  it('keeps cause and task id where they are given', () => {
    const cause = new Error('root');
    const error = new errors.BrokerUnavailableError('gone', { cause, taskId: 'abc' });
    expect(error.cause).toBe(cause);
    expect(error.taskId).toBe('abc');
    expect('cause' in new errors.BrokerUnavailableError('gone')).toBe(false);
  });

  it('lists what does not fit a schema, with paths', () => {
    const issues = [
      { path: '[0].amount', message: 'too small' },
      { path: '', message: 'no tuple' },
    ];
    const error = new errors.TaskValidationError('billing.charge', 'arguments', issues, 'abc');
    expect(error.message).toContain('[0].amount: too small; (root): no tuple');
    expect(error).toMatchObject({ task: 'billing.charge', issues, taskId: 'abc' });
  });

  it('keeps what a failed task left', () => {
    const cause = new Error('inner');
    const details = { taskId: 'id', task: 't', remoteName: 'CardError', attempts: 3, remoteStack: 's', data: { a: 1 } };
    expect(new errors.TaskFailedError('declined', { ...details, cause })).toMatchObject({ ...details, cause });
    expect(
      new errors.TaskFailedError('x', { taskId: 'id', task: 't', remoteName: 'E', attempts: 1 }).cause,
    ).toBeUndefined();
  });

  it('tells which messages were refused', () => {
    const failures = new Map([
      ['a', new Error('full')],
      ['b', new Error('large')],
    ]);
    const error = new errors.PublishError(failures);
    expect(error.failures).toBe(failures);
    expect(error.errors).toEqual([...failures.values()]);
    expect(error.message).toBe('2 message(s) were not accepted: full');
  });
});
