// Random canvases on a real Redis, through both drivers, against the interpreter of core's model test.
import { decodeRecord, isFinal } from '@lovage/core/driver';
import { until } from '@lovage/core/testing';
import { startWorker } from '@lovage/core/worker';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { canvases, defineModel, expected, interpret, type Node, verdictOf } from '../../core/test/canvas-model.ts';
import { RedisServer } from '../../redis/test/redis-server.ts';
import { Lovage } from '../src/index.ts';

const seed = Number(process.env['CANVAS_SEED'] ?? 20_261_126);
const runs = Number(process.env['CANVAS_RUNS'] ?? 25);

let redis: RedisServer;
beforeAll(async () => {
  redis = await RedisServer.start();
});
afterAll(() => redis.stop());

describe(`canvas on Redis against its model (CANVAS_SEED=${seed} CANVAS_RUNS=${runs})`, { timeout: 60_000 }, () => {
  it.each(['redis', 'redis+streams'])('%s: random canvases come to what they mean', async (scheme) => {
    const broker = redis.url.replace('redis:', `${scheme}:`);
    const apps = Array.from({ length: 3 }, () => new Lovage('model', { broker, prefix: scheme, logLevel: 'silent' }));
    const build = apps.map((app) => defineModel(app))[0] as ReturnType<typeof defineModel>;
    try {
      await Promise.all(apps.slice(1).map((app) => startWorker(app, { concurrency: 4 })));
      const check = fc.asyncProperty(canvases, async (canvas) => {
        const whole: Node = canvas.kind === 'task' ? { kind: 'chain', steps: [canvas] } : canvas; // one plain task is no canvas
        const result = await build(whole).applyAsync([0]);
        expect(await verdictOf(apps[0] as Lovage, result)).toEqual(expected(interpret(canvas, 0)));
        await until(async () => (await notEnded(scheme)).length === 0);
      });
      await fc.assert(check, { seed, numRuns: runs, verbose: 1, interruptAfterTimeLimit: 50_000 });
    } finally {
      await Promise.all(apps.map((app) => app.close()));
    }
  });
});

/** Ids whose record is not final. */
async function notEnded(prefix: string): Promise<readonly string[]> {
  const keys = await redis.client.keys(`lovage:${prefix}:result:*`);
  const texts = keys.length === 0 ? [] : await redis.client.mget(keys);
  return texts.flatMap((text) => {
    const record = text === null ? undefined : decodeRecord(text);
    return record && !isFinal(record) ? [record.id] : [];
  });
}
