// The web part: it knows tasks by name and type, and a result by its id.

import { Hono } from 'hono';
import { type AsyncResult, BrokerUnavailableError, ResultTimeoutError, TaskValidationError } from 'lovage';
import { app, makeInvoice } from './tasks.ts';

export const server = new Hono();

/** Enqueue and answer at once: 202, with where to ask. */
server.post('/invoices', async (c) => {
  const order = await c.req.json().catch(() => undefined);
  const { id } = await makeInvoice.delay(order);
  return c.json({ id, status: `/tasks/${id}` }, 202, { location: `/tasks/${id}` });
});

/** Where a task stands; `?wait=5s` answers as soon as it ends, or after five seconds. Any web process may be asked. */
server.get('/tasks/:id', async (c) => {
  const result = app.asyncResult(c.req.param('id'));
  const wait = c.req.query('wait');
  if (wait !== undefined) await untilEnded(result, wait);
  const state = await result.state();
  if (state === 'PENDING') return c.json({ id: result.id, state, error: 'no such task' }, 404);
  if (state === 'SUCCESS') return c.json({ id: result.id, state, value: await result.get() });
  if (state === 'FAILURE') return c.json({ id: result.id, state, error: String(await result.info()) });
  return c.json({ id: result.id, state });
});

server.onError((error, c) => {
  if (error instanceof TaskValidationError) return c.json({ error: error.message, issues: error.issues }, 400);
  if (error instanceof BrokerUnavailableError) return c.json({ error: 'try again later' }, 503, { 'retry-after': '5' });
  console.error(error);
  return c.json({ error: 'internal error' }, 500);
});

async function untilEnded(result: AsyncResult, timeout: string): Promise<void> {
  try {
    await result.wait({ timeout });
  } catch (error) {
    if (!(error instanceof ResultTimeoutError)) throw error; // not ended yet: the state says so
  }
}
