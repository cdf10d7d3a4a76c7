import { expect, it } from 'vitest';
import { onEachBroker, run } from '../test/support.ts';

onEachBroker((broker) => {
  it('carries Dates both ways and refuses what does not fit', async (context) => {
    const { code, stdout } = await run(['examples/07-typed-schemas/main.ts'], await broker(context));

    expect(stdout.split('\n')).toEqual([
      'worker: Ada from 2027-05-01T14:00:00.000Z (a Date: true) for 3 night(s)',
      'caller: until 2027-05-04T14:00:00.000Z (a Date: true)',
      'worker: Bob from 2027-05-01T14:00:00.000Z (a Date: true) for 1 night(s)',
      'caller: TaskValidationError, nothing was sent',
      '  [0].guest: Too small: expected string to have >=1 characters',
      '  [0].nights: Too small: expected number to be >0',
      '',
    ]);
    expect(code).toBe(0);
  });
});
