import { expect, it } from 'vitest';
import { onEachBroker, run } from '../test/support.ts';

onEachBroker((broker) => {
  it('seven calls run in three batches, each to its own end', async (context) => {
    const { code, stdout, stderr } = await run(['examples/15-batches/main.ts'], await broker(context));

    expect(stderr).toBe('');
    expect(code).toBe(0);
    const lines = stdout.trimEnd().split('\n');
    expect(lines.filter((line) => line.startsWith('insert'))).toEqual([
      'insert a, b, c, d',
      'insert e, , busy',
      'insert busy',
    ]);
    expect(lines.filter((line) => line.startsWith(' '))).toEqual([
      '  1',
      '  2',
      '  3',
      '  4',
      '  5',
      '  an empty row',
      '  6',
    ]);
  });
});
