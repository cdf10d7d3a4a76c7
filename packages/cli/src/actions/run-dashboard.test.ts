import { expect, it } from 'vitest';
import { readDashboardOptions } from './run-dashboard.ts';

it('reads access rules from flags and, for secrets, from the environment', () => {
  const env = { LOVAGE_DASHBOARD_TOKEN: 'a'.repeat(16), LOVAGE_DASHBOARD_PASSWORD: 'correct horse' };
  expect(
    readDashboardOptions({ user: 'ann', proxyHeader: 'x-user', operators: 'bob, eve', port: '0', path: '/x/' }, env),
  ).toEqual({
    access: [
      { kind: 'token', token: 'a'.repeat(16), role: 'operator' },
      { kind: 'basic', name: 'ann', password: 'correct horse', role: 'operator' },
      { kind: 'proxy', header: 'x-user', operators: ['bob', 'eve'] },
    ],
    port: 0,
    path: '/x',
    hosts: [],
    redact: [],
  });
  expect(() => readDashboardOptions({ user: 'ann' }, {})).toThrow('LOVAGE_DASHBOARD_PASSWORD');
  expect(() => readDashboardOptions({ operators: 'ann' }, {})).toThrow('--proxy-header');
  expect(() => readDashboardOptions({ port: 'x' }, {})).toThrow('--port');
});
