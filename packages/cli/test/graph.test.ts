import { chain, group, Lovage } from '@lovage/core';
import { describe, expect, it, onTestFinished } from 'vitest';
import { lovage, noRedis, refuses, startRedis } from './run-cli.ts';

describe.skipIf(noRedis)('lovage graph', () => {
  it('draws the canvas of a task with the state of each step, in four forms', async () => {
    const { url, stop } = await startRedis();
    onTestFinished(stop);
    const app = new Lovage('graph', { broker: url, logLevel: 'silent' });
    onTestFinished(() => app.close());
    const add = app.task('math.add', (x: number, y: number) => x + y);
    const { id } = await chain(add.s(1, 2), group(add.s(3), add.s(4))).delay();
    const draw = async (...args: string[]) => (await lovage(['--broker', url, 'graph', id, ...args])).stdout;

    expect(await draw()).toMatch(new RegExp(`^\\S+ SENT +${id}~0\\ngroup of 2 PENDING +${id}\\n(  \\S+ .*\\n){2}$`));
    expect(await draw('-f', 'mermaid')).toMatch(/^(flowchart|graph) /);
    expect(await draw('-f', 'svg')).toMatch(/^<svg [\s\S]*<\/svg>\n$/);
    expect(JSON.parse(await draw('--json'))).toMatchObject({ nodes: expect.any(Array), edges: expect.any(Array) });
  }, 30_000);

  it('refuses a form that does not exist', async () => {
    await refuses(
      ['--broker', 'memory://', 'graph', 'x', '-f', 'png'],
      2,
      /--format: expected text, mermaid, svg, json, received "png"/,
    );
  });
});
