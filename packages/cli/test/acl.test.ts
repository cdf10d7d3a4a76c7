import { describe, expect, it } from 'vitest';
import { lovage, refuses } from './run-cli.ts';

describe('lovage acl', () => {
  it('prints the user of a role and its notes, and asks no server', async () => {
    const broker = ['--broker', 'redis+streams://nowhere.invalid:1', '--prefix', 'shop'];
    const [worker, json] = await Promise.all([
      lovage(['acl', 'worker', '--queues', 'mail, odd name', ...broker], { cwd: '/' }),
      lovage(['acl', 'monitor', '--json', '--user', 'eye', ...broker], { cwd: '/' }),
    ]);
    expect(worker).toMatchObject({ code: 0, stderr: expect.stringContaining("--queues 'news,news@*'") });
    expect(worker.stdout).toMatch(
      /^ACL SETUSER lovage-worker reset on ><password> resetchannels ~lovage:shop:stream:mail:\* /,
    );
    expect(worker.stdout).toContain(' "~lovage:shop:stream:odd?name:*" ');
    expect(worker.stdout).toMatch(/ "\(\+publish &lovage:shop:inbox:\* [^"]*\)"\n$/);
    const { statements } = JSON.parse(json.stdout) as { statements: string[] };
    expect(statements[0]).toContain('ACL SETUSER eye ');
    expect(statements[0]).not.toMatch(/\+(set|xadd|del|lpush|hset) /);
  });

  it('refuses what has no users, and no role, by name', async () => {
    await refuses(['acl', 'worker', '--broker', 'memory://'], 1, /^error: memory:\/\/ has no users of its own/, '/');
    await refuses(
      ['acl', 'produser', '--broker', 'redis://h'],
      2,
      /^error: unknown role "produser": did you mean "producer"\?/,
      '/',
    );
    await refuses(['acl', 'worker', '--user', 'a b', '--broker', 'redis://h'], 2, /^error: --user: "a b" is not/, '/');
  });
});
