import { describe, expect, it } from 'vitest';
import { lovage, onEachBroker, type Program, start, startRedis } from '../test/support.ts';

const main = 'examples/08-web-app/main.ts';

onEachBroker((broker) => {
  it('enqueues, answers 202, and tells state and value', async (context) => {
    const web = start([main], { ...(await broker(context)), PORT: '0' });
    const url = await urlOf(web);

    const posted = await post(url, { item: 'book', count: 2 });
    expect(posted.status).toBe(202);
    const { id } = (await posted.json()) as { id: string };
    expect(posted.headers.get('location')).toBe(`/tasks/${id}`);
    expect(await getTask(url, id)).toEqual([200, { id, state: 'SUCCESS', value: { text: 'Invoice: 2 × book' } }]);

    const { id: lost } = (await (await post(url, { item: 'unicorn', count: 1 })).json()) as { id: string };
    expect(await getTask(url, lost)).toEqual([
      200,
      { id: lost, state: 'FAILURE', error: 'TaskFailedError: unicorns are sold out' },
    ]);

    await expectOrderlyEnd(web);
  });

  it('refuses an order that does not fit, and an id nobody knows', async (context) => {
    const web = start([main], { ...(await broker(context)), PORT: '0' });
    const url = await urlOf(web);

    const refused = await post(url, { item: 'book', count: -1 });
    expect(refused.status).toBe(400);
    expect(await refused.json()).toMatchObject({ issues: [{ path: '[0].count' }] });
    const unknown = await fetch(`${url}/tasks/nobody-knows-this`);
    expect([unknown.status, await unknown.json()]).toEqual([
      404,
      { id: 'nobody-knows-this', state: 'PENDING', error: 'no such task' },
    ]);

    await expectOrderlyEnd(web);
  });
});

describe('with a worker of its own', () => {
  it('serves while another process works', async (context) => {
    const env = { LOVAGE_BROKER_URL: await startRedis(context) };
    const web = start([main], { ...env, PORT: '0', LOVAGE_ROLE: 'web' });
    const url = await urlOf(web);
    const { id } = (await (await post(url, { item: 'pen', count: 3 })).json()) as { id: string };
    expect(await (await fetch(`${url}/tasks/${id}`)).json()).toEqual({ id, state: 'SENT' });

    start([lovage, 'worker', '-A', './examples/08-web-app/tasks.ts', '-Q', 'invoices'], env);

    expect(await getTask(url, id)).toEqual([200, { id, state: 'SUCCESS', value: { text: 'Invoice: 3 × pen' } }]);
  });
});

async function urlOf(web: Program): Promise<string> {
  const [, url = ''] = await web.prints(/listening on (http:\S+)/);
  return url;
}

function post(url: string, order: unknown): Promise<Response> {
  return fetch(`${url}/invoices`, { method: 'POST', body: JSON.stringify(order) });
}

async function getTask(url: string, id: string): Promise<[number, unknown]> {
  const response = await fetch(`${url}/tasks/${id}?wait=15s`);
  return [response.status, await response.json()];
}

async function expectOrderlyEnd(web: Program): Promise<void> {
  web.child.kill('SIGTERM');
  const { code, stdout } = await web.ended;
  expect(stdout).toMatch(/closed\n$/);
  expect(code).toBe(0);
}
