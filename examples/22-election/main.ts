// A leader of your own: of all processes that stand for a name one leads, and another follows when it goes.
import { Lovage } from 'lovage';

const options = { broker: 'memory://index', logLevel: 'silent' } as const;
let first = 0;
let latest = 0;
let led: () => void = () => {};

/** Stands for a process. */
function stand(name: string) {
  const app = new Lovage('index', options);
  const election = app.elect('indexer', {
    ttl: '500ms',
    onLeader: async (signal, fence) => {
      first ||= fence;
      console.log(`${name} leads, ${fence > latest ? 'with a larger fence' : 'with a fence that did not grow'}`);
      latest = fence;
      led();
      await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
      console.log(`${name} was told to stop`);
    },
  });
  return { app, election };
}

const leads = () => new Promise<void>((resolve) => (led = resolve));

const begun = leads();
const anna = stand('anna');
await begun;
const ben = stand('ben');
console.log(`anna leads: ${anna.election.leading}, ben leads: ${ben.election.leading}`);

let next = leads();
const started = performance.now();
await anna.election.close(); // as app.close() does, and SIGTERM should
await next;
console.log(`ben followed within half a second: ${performance.now() - started < 500}`);

const carl = stand('carl');
next = leads();
await ben.app.close();
await next;
console.log(`three leaders, and the fence grew by ${latest - first >= 2 ? 'one each' : 'too little'}`);

await Promise.all([anna.app.close(), carl.app.close()]);
