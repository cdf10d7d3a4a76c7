import { expect, it } from 'vitest';
import { Lovage } from '../app/app.ts';
import { silentLogger } from '../logger.ts';

it('a wait leaves no timer behind when its app is closed', async () => {
  const app = new Lovage('closed', { broker: 'memory://', logger: silentLogger });
  const timers = () => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
  const before = timers();
  const result = await app.task('t', () => 1).delay();
  result.get({ timeout: '1h' }).catch(() => {}); // nobody runs it
  expect(timers()).toBeGreaterThan(before);
  await app.close();
  expect(timers()).toBeLessThanOrEqual(before);
});
