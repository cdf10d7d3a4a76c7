import type { Capacity, DeadLetter, MinuteCounts, QueueCounts, WaitingTask } from '@lovage/core/inspect';
import { useState } from 'preact/hooks';
import type { SampledQueue } from '../../../src/sampler.ts';
import { address, get, post } from '../api.ts';
import { ago, clip, count, plural, time } from '../format.ts';
import { Act, Card, Empty, Facts, Head, Loading, RunLink, State, Trouble } from '../parts/basics.tsx';
import { MinuteChart, Spark } from '../parts/chart.tsx';
import { Table } from '../parts/table.tsx';
import { attempt, href, sample, say, useData } from '../state.ts';

/** All queues. */
export function QueuesScreen() {
  const now = sample.value;
  if (now === undefined) return <Loading />;
  const percentiles = (queue: string) => now.tasks.filter((task) => task.queue === queue);
  const worst = (queue: string, field: 'waitP95' | 'runP95') =>
    percentiles(queue).reduce<number | undefined>((most, task) => Math.max(most ?? 0, task[field] ?? 0), undefined);
  return (
    <>
      <Head title="Queues" lead="What waits, for how long, and how fast it is run." />
      <Card>
        {now.queues.length === 0 ? (
          <Empty command="npx lovage call TASK ARGUMENTS">There is no queue yet: the first call makes one.</Empty>
        ) : (
          <Table
            label="Queues"
            rows={now.queues}
            id={({ queue }) => queue}
            columns={[
              { name: 'queue', cell: ({ queue }) => <a href={href(['queues', queue])}>{queue}</a> },
              { name: 'waiting', cell: ({ waiting }) => count(waiting), number: true },
              {
                name: '',
                cell: ({ queue, line }) => <Spark values={line} label={`Waiting in ${queue}, last minutes`} />,
                wide: true,
              },
              { name: 'oldest', cell: ({ oldest, waiting }) => (waiting > 0 ? time(oldest) : '–'), number: true },
              { name: 'delayed', cell: ({ delayed }) => count(delayed), number: true, wide: true },
              { name: 'running', cell: ({ running }) => count(running), number: true },
              { name: 'dead', cell: ({ dead }) => count(dead), number: true, wide: true },
              { name: 'rate', cell: ({ rate }) => (rate === undefined ? '–' : `${rate.toFixed(1)}/s`), number: true },
              { name: 'wait p95', cell: ({ queue }) => time(worst(queue, 'waitP95')), number: true, wide: true },
              { name: 'run p95', cell: ({ queue }) => time(worst(queue, 'runP95')), number: true, wide: true },
              { name: 'state', cell: (queue) => <PauseButton queue={queue} /> },
            ]}
          />
        )}
      </Card>
    </>
  );
}

function PauseButton({ queue: { queue, paused } }: { queue: Pick<SampledQueue, 'queue' | 'paused'> }) {
  return paused ? (
    <span class="tools">
      <State of="paused" />
      <Act small onClick={() => attempt(`Queue ${queue} goes on.`, () => post(['queues', queue, 'resume']))}>
        Resume
      </Act>
    </span>
  ) : (
    <Act
      small
      ask={`Nothing of ${queue} is begun until it is resumed. It still accepts tasks, and what runs goes on.`}
      onClick={() => attempt(`Queue ${queue} is paused.`, () => post(['queues', queue, 'pause']))}
    >
      Pause
    </Act>
  );
}

interface QueueDetail {
  readonly counts?: QueueCounts;
  /** Absent: the broker cannot tell. */
  readonly next?: readonly WaitingTask[];
  readonly minutes: readonly MinuteCounts[];
  readonly dead: readonly Omit<DeadLetter, 'body'>[];
}

/** One queue: what comes next, its last hour, and whether its workers are enough. */
export function QueueScreen({ name }: { name: string }) {
  const { data, error } = useData<QueueDetail>(address(['queues', name]));
  const [last, setLast] = useState<QueueDetail>();
  if (data && data !== last) setLast(data);
  const shown = data ?? last;
  const live = sample.value?.queues.find(({ queue }) => queue === name);
  const counts = live ?? shown?.counts;
  const consumers = sample.value?.workers.filter(({ queues }) => queues.includes(name)) ?? [];
  const now = sample.value?.at ?? Date.now();
  return (
    <>
      <Head title={name} lead="Queue">
        {counts && <PauseButton queue={counts} />}
      </Head>
      <Trouble error={error} />
      {counts && (
        <Card>
          <Facts
            of={[
              ['waiting', count(counts.waiting)],
              ['oldest', live && live.waiting > 0 ? time(live.oldest) : undefined],
              ['delayed', count(counts.delayed)],
              ['blocked', counts.blocked > 0 ? count(counts.blocked) : undefined],
              ['running', count(counts.running)],
              ['dead letters', count(counts.dead)],
              ['rate', live?.rate === undefined ? undefined : `${live.rate.toFixed(1)}/s`],
              [
                'workers',
                consumers.length === 0
                  ? 'none'
                  : consumers.map((worker) => (
                      <a key={worker.name} href={href(['workers'], { worker: worker.name })}>
                        {worker.name}{' '}
                      </a>
                    )),
              ],
            ]}
          />
        </Card>
      )}
      {shown && (
        <div class="columns">
          <Card title="Last hour">
            <MinuteChart minutes={shown.minutes} label={`Attempts of queue ${name}`} />
          </Card>
          <CapacityCard queue={name} />
        </div>
      )}
      {shown && (
        <Card title="Next to run">
          {shown.next === undefined ? (
            <p class="calm">This broker cannot tell what comes next.</p>
          ) : shown.next.length === 0 ? (
            <Empty command={`npx lovage queues peek ${name}`}>Nothing waits.</Empty>
          ) : (
            <Table
              label="Tasks that come next"
              rows={shown.next}
              id={({ id }) => id}
              columns={[
                { name: 'run', cell: ({ id }) => <RunLink id={id} /> },
                { name: 'task', cell: ({ task }) => task },
                {
                  name: 'arguments',
                  cell: ({ args }) => <code class="what">{clip(JSON.stringify(args), 90)}</code>,
                  wide: true,
                },
                { name: 'priority', cell: ({ priority }) => priority, number: true, wide: true },
                { name: 'sent', cell: ({ sentAt }) => ago(sentAt, now), number: true },
              ]}
            />
          )}
        </Card>
      )}
      {shown && shown.dead.length > 0 && (
        <Card title={plural(shown.dead.length, 'dead letter')}>
          <Table
            label="Dead letters"
            rows={shown.dead}
            id={({ key }) => key}
            columns={[
              { name: 'run', cell: ({ id }) => (id ? <RunLink id={id} /> : '?') },
              { name: 'task', cell: ({ task }) => task ?? '?' },
              { name: 'reason', cell: ({ reason }) => <span class="what">{`${reason.name}: ${reason.message}`}</span> },
              { name: 'parked', cell: ({ at }) => ago(at, now), number: true },
            ]}
          />
        </Card>
      )}
    </>
  );
}

/** Measured for some seconds, when asked. */
function CapacityCard({ queue }: { queue: string }) {
  const [capacity, setCapacity] = useState<Capacity>();
  const [busy, setBusy] = useState(false);
  const measure = async () => {
    setBusy(true);
    try {
      setCapacity(await get<Capacity>(`${address(['queues', queue, 'capacity'])}?seconds=5`));
    } catch (error) {
      say(error instanceof Error ? error.message : String(error), true);
    }
    setBusy(false);
  };
  return (
    <Card
      title="Capacity"
      tools={
        <button type="button" class="small" disabled={busy} onClick={measure}>
          {busy ? 'Measuring…' : 'Measure for 5 s'}
        </button>
      }
    >
      {capacity === undefined ? (
        <p class="calm">Measures the workers of this queue and predicts its waits (M/M/c).</p>
      ) : (
        <Facts
          of={[
            ['slots', count(capacity.slots)],
            ['come', `${capacity.arrivalRate.toFixed(1)}/s`],
            ['end', `${capacity.endRate.toFixed(1)}/s`],
            ['one takes', time(capacity.serviceTime)],
            ['used', capacity.utilisation === undefined ? '–' : `${Math.round(capacity.utilisation * 100)} %`],
            ['wait p95, predicted', capacity.predicted.p95 === null ? 'it grows' : time(capacity.predicted.p95)],
            ['wait p95, measured', time(capacity.measured.p95)],
          ]}
        />
      )}
    </Card>
  );
}
