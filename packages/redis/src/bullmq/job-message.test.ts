import type { Message } from '@lovage/core/driver';
import { describe, expect, it } from 'vitest';
import { bullPriority, type RawJob, readJob, toJob, toJobData } from './job-message.ts';

const message: Message = {
  v: 1,
  id: 'id-1',
  task: 'math.add',
  args: [1],
  queue: 'mail',
  priority: 0,
  retries: 0,
  sentAt: 1_000,
};

describe('toJob', () => {
  it('leaves out of the data what the job says, and what says nothing', () => {
    expect(toJob(message, 2_000)).toEqual({
      id: 'id-1',
      name: 'math.add',
      data: '{"v":1,"args":[1]}',
      timestamp: 1_000,
      opts: { priority: 10 },
    });
    expect(JSON.parse(toJobData({ ...message, priority: 3, retries: 2 }, 1_000))).toEqual({
      v: 1,
      args: [1],
      priority: 3,
      retries: 2,
    });
  });

  it('never lets a task run before its eta, whatever the clocks say', () => {
    for (const sentAt of [0, 1_000, 4_500, 9_000]) {
      for (const eta of [5_001, 8_000]) {
        const job = toJob({ ...message, sentAt, eta }, 5_000);
        expect(job.timestamp + (job.opts.delay ?? 0)).toBeGreaterThanOrEqual(eta);
        expect(readJob(job, 'mail').message?.sentAt).toBe(sentAt);
      }
    }
  });

  it('does not delay what is due', () => {
    expect(toJob({ ...message, eta: 5_000 }, 5_000).opts).toEqual({ priority: 10 });
  });

  it('gives a higher priority a lower number, and every job one', () => {
    expect([0, 1, 9].map(bullPriority)).toEqual([10, 9, 1]);
  });
});

describe('readJob', () => {
  const job: RawJob = { id: 'id-1', name: 'math.add', data: '{"v":1,"args":[1]}', timestamp: 1_000 };

  it('brings the message back', () => {
    expect(readJob(job, 'mail')).toEqual({ message });
  });

  it("lets the job's own id, name and queue win over its data", () => {
    const data = '{"v":1,"args":[],"id":"other","task":"other","queue":"other"}';
    expect(readJob({ ...job, data }, 'mail').message).toMatchObject({ id: 'id-1', task: 'math.add', queue: 'mail' });
  });

  it.each<[string, Partial<RawJob>]>([
    ['no data', { data: undefined }],
    ['a number', { data: '1' }],
    ['no name', { name: undefined }],
    ['an empty id', { id: '' }],
    ['a name that is no string', { name: 7 }],
  ])('tells why of %s, with the id if there is one', (_what, fields) => {
    const content = readJob({ ...job, ...fields }, 'mail');
    expect(content).toMatchObject({
      ...(fields.id !== '' && { id: 'id-1' }),
      reason: { name: 'MalformedMessageError' },
    });
  });

  it('reads a job without a timestamp', () => {
    expect(readJob({ ...job, timestamp: Number.NaN }, 'mail').message?.sentAt).toBe(0);
  });
});
