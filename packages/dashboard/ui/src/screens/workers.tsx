import type { WorkerReport } from '@lovage/core/inspect';
import { post } from '../api.ts';
import { bytes, clip, count, time } from '../format.ts';
import { Act, Card, Empty, Facts, Head, Loading, RunLink, State } from '../parts/basics.tsx';
import { Table } from '../parts/table.tsx';
import { attempt, href, route, sample } from '../state.ts';

/** The workers that answer, and those that do not any more. */
export function WorkersScreen() {
  const now = sample.value;
  if (now === undefined) return <Loading />;
  const wanted = route.value.query.get('worker');
  const stuck = now.health.reasons.filter(({ kind }) => kind === 'stuck-worker');
  const workers = now.workers.filter(({ name }) => wanted === null || name === wanted);
  const silent = stuck.filter(
    ({ subject }) => !now.workers.some(({ name }) => name === subject) && (wanted === null || subject === wanted),
  );
  return (
    <>
      <Head title="Workers" lead="Who runs tasks, what they run now, and for how long.">
        {wanted !== null && (
          <a class="button quiet" href={href(['workers'])}>
            {clip(wanted, 30)} only ×
          </a>
        )}
      </Head>
      {silent.map(({ subject, text }) => (
        <section key={subject} class="card failure" aria-label={`Worker ${subject}`}>
          <header>
            <h2>{subject}</h2>
            <State of="stuck" />
          </header>
          <p>{text}</p>
          <p class="calm">
            Its process is blocked, paused or gone. End it: its tasks go to other workers once their leases have run
            out.
          </p>
        </section>
      ))}
      {workers.length === 0 && silent.length === 0 && (
        <Card>
          <Empty command="lovage worker -A ./tasks.ts">No worker answers.</Empty>
        </Card>
      )}
      {workers.map((worker) => (
        <WorkerCard
          key={worker.name}
          worker={worker}
          reason={stuck.find(({ subject }) => subject === worker.name)?.text}
        />
      ))}
    </>
  );
}

function WorkerCard({ worker, reason }: { worker: WorkerReport; reason: string | undefined }) {
  const { name, running, slots, queues, counts, rss, loopLag, uptime, versions, pid, unpolledFor } = worker;
  const act = (what: string, done: string) => attempt(done, () => post(['workers', name, what]));
  return (
    <Card
      title={
        <>
          {name} {reason && <State of="stuck" />}
        </>
      }
      tools={
        <>
          <Act small onClick={() => act('shrink', 'One slot less.')} disabled={slots < 2}>
            − slot
          </Act>
          <Act small onClick={() => act('grow', 'One slot more.')}>
            + slot
          </Act>
          <Act
            small
            kind="danger"
            ask={`${name} finishes what it runs, takes nothing more, and ends. It starts again only where something restarts it.`}
            onClick={() => act('drain', `${name} drains and ends.`)}
          >
            Drain
          </Act>
        </>
      }
    >
      {reason && (
        <p class="trouble" role="alert">
          {reason}
        </p>
      )}
      <SlotBar running={running.length} slots={slots} />
      <Facts
        of={[
          [
            'queues',
            queues.map((queue) => (
              <a key={queue} href={href(['queues', queue])}>
                {queue}{' '}
              </a>
            )),
          ],
          ['succeeded', count(counts.succeeded)],
          ['failed', count(counts.failed)],
          ['memory', bytes(rss)],
          ['loop lag', time(loopLag)],
          ['last poll', unpolledFor > 5_000 ? `${time(unpolledFor)} ago` : undefined],
          ['up', time(uptime * 1_000)],
          ['pid', pid],
          ['version', versions && `${versions.lovage}, Node ${versions.node}`],
        ]}
      />
      {running.length > 0 && (
        <Table
          label={`Tasks that ${name} runs`}
          rows={[...running].sort((a, b) => b.runningFor - a.runningFor).slice(0, 50)}
          id={({ id }) => id}
          columns={[
            { name: 'task', cell: ({ task }) => task },
            { name: 'run', cell: ({ id }) => <RunLink id={id} /> },
            { name: 'queue', cell: ({ queue }) => queue, wide: true },
            { name: 'for', cell: ({ runningFor }) => time(runningFor), number: true },
            {
              name: '',
              cell: ({ id }) => (
                <Act
                  small
                  kind="danger"
                  ask="It is broken off and ends as REVOKED."
                  onClick={() => attempt('Revoked.', () => post(['runs', id, 'revoke'], { terminate: true }))}
                >
                  Revoke
                </Act>
              ),
            },
          ]}
        />
      )}
    </Card>
  );
}

function SlotBar({ running, slots }: { running: number; slots: number }) {
  const drawn = Math.min(slots, 64);
  return (
    <div class="slots" role="img" aria-label={`${running} of ${slots} slots busy`}>
      {Array.from({ length: drawn }, (_, index) => (
        <span key={index} class={index < Math.ceil((running / slots) * drawn) ? 'busy' : ''} />
      ))}
      <small>
        {running} of {slots}
      </small>
    </div>
  );
}
