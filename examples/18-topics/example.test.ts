import { expect, it } from 'vitest';
import { onEachBroker, run } from '../test/support.ts';

onEachBroker((broker) => {
  it('live subscribers hear, durable ones get a task for each message although they were away', async (context) => {
    const { code, stdout, stderr } = await run(['examples/18-topics/main.ts'], await broker(context));

    expect(stderr).toBe('');
    expect(code).toBe(0);
    const lines = stdout.trimEnd().split('\n');
    expect(lines.filter((line) => line.startsWith('screen:')).length).toBeGreaterThan(1);
    expect(lines[0]).toBe('screen: order.opened "nobody minds"');
    expect(lines).toContain('a task was sent for: billing');
    expect(lines.find((line) => line.startsWith('payload'))).toMatch(
      /^payload of topic "order.created" does not fit its schema: cents: /,
    );
    expect(lines.filter((line) => line.startsWith('billing:'))).toEqual([
      'billing: order.created o1',
      'billing: order.created o2',
    ]);
    expect(lines.at(-1)).toBe('waiting: billing for order.created');
  });
});
