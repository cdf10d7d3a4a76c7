import { Cron } from 'croner';
import { describe, expect, it } from 'vitest';
import { crontab } from '../schedules/schedule-time.ts';

describe('crontab lines whose days contradict each other', () => {
  it.each([
    '0 0 8-31 * mon#1',
    '0 0 31 * mon#1',
    '0 0 1-28 * mon#5',
    '0 0 31 2-2 *',
    '0 0 30,31 2 *',
    '0 0 1-21 * fri#L',
  ])('%s is refused where it is written', (line) => {
    expect(() => crontab(line)).toThrow(/never comes/);
  });

  it.each([
    '0 0 29 2 mon',
    '0 0 29 2 mon#5',
    '0 0 29-31 * mon#5',
    '0 0 31 */2 *',
    '0 0 1-7 * mon#1',
    '0 0 22 2 fri#L',
    '0 0 L 2 sun#L',
    '0 0 1,31 2 tue#1,wed',
    '0 0 */9 * *',
  ])('%s comes', (line) => {
    const { pattern } = crontab(line) as { readonly pattern: string };
    expect(new Cron(pattern, { paused: true, timezone: 'UTC', domAndDow: true }).nextRun(new Date(0))).not.toBeNull();
  });
});
