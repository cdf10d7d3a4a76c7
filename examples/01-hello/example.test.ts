import { expect, it } from 'vitest';
import { onEachBroker, run } from '../test/support.ts';

onEachBroker((broker) => {
  it('tells its story and ends by itself', async (context) => {
    const { code, stdout, stderr } = await run(['examples/01-hello/main.ts'], await broker(context));

    expect(stderr).toBe('');
    expect(code).toBe(0);
    expect(stdout).toMatch(/1\. A typed task.*sent {19}[\w-]{36}\n {5}result {17}5\n/s);
    expect(stdout).toMatch(/2\. Request and reply.*result {17}42\n/s);
    expect(stdout).toMatch(/attempt 1 of logo\.png .*failed.*attempt 3 of logo\.png +worked.*after 3 attempts/s);
    expect(stdout).toContain('progress               {"done":3,"of":3}');
    expect(stdout).toContain('TaskFailedError        CardDeclined: the bank said no');
    expect(stdout).toContain('code TASK_FAILED, attempts 1, data {"amount":120}');
    expect(stdout).toContain('PayloadNotSerializableError args[1] is NaN');
    expect(stdout).toContain('sum of the results     500500');
    expect(stdout).toContain('1004 tasks succeeded, 1 failed, 2 retries');
    expect(stdout).toContain('Next:');
  });
});
