import type { Hono } from 'hono';
import { streamSSE } from 'hono/streaming';
import type { Env, Parts } from './env.ts';

/** Pages that may watch at once; one more is told to ask now and then instead. */
const mostWatchers = 500;

/** `GET /api/live`: each look as an event. All watchers share one look every two seconds. */
export function addLive(api: Hono<Env>, { sampler }: Pick<Parts, 'sampler'>): void {
  let watchers = 0;
  api.get('/api/live', async (c) => {
    if (watchers >= mostWatchers) return c.json({ error: `${mostWatchers} pages watch already` }, 503);
    const first = await sampler.look();
    c.header('x-accel-buffering', 'no'); // nginx would hold events back
    return streamSSE(c, async (stream) => {
      watchers += 1;
      let writing: Promise<void> = stream.writeSSE({ event: 'sample', data: JSON.stringify(first) });
      let busy = false;
      const stop = sampler.watch((sample) => {
        if (busy) return; // a slow reader gets the next one
        busy = true;
        writing = stream
          .writeSSE({ event: 'sample', data: JSON.stringify(sample) })
          .catch(() => undefined) // it has gone
          .finally(() => {
            busy = false;
          });
      });
      await new Promise<void>((resolve) => {
        stream.onAbort(() => resolve());
      });
      stop();
      watchers -= 1;
      await writing;
    });
  });
}
