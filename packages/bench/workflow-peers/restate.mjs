import { serve, service } from '@restatedev/restate-sdk';
import { connect } from '@restatedev/restate-sdk-clients';
import { measure } from './measure.mjs';

const { BENCH_INGRESS: ingress, BENCH_ADMIN: admin, BENCH_PORT: port } = process.env;
const flow = service({
  name: 'flow',
  handlers: {
    run: async (ctx, count) => {
      let sum = 0;
      for (let step = 0; step < count; step += 1) sum += await ctx.run('add', () => 1);
      return sum;
    },
  },
});
await serve({ services: [flow], port: Number(port) });
const registered = await fetch(`${admin}/deployments`, {
  method: 'POST',
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify({ uri: `http://127.0.0.1:${port}` }),
});
if (!registered.ok) throw new Error(`Restate refused the service: ${registered.status} ${await registered.text()}`);
const client = connect({ url: ingress }).serviceClient(flow);
await measure((count) => client.run(count));
