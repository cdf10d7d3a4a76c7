import type { HealthReason, MinuteCounts } from '@lovage/core/inspect';
import type { Sample } from '../../../src/sampler.ts';
import { post } from '../api.ts';
import { ago, clock, count, plural, time } from '../format.ts';
import { Act, Card, Command, Empty, Head, Loading } from '../parts/basics.tsx';
import { MinuteChart } from '../parts/chart.tsx';
import { Flow } from '../parts/flow.tsx';
import { Table } from '../parts/table.tsx';
import { attempt, href, sample, useData } from '../state.ts';

/** Whether anything is wrong, where, since when, and what to press. */
export function NowScreen() {
  const now = sample.value;
  const minutes = useData<readonly MinuteCounts[]>('api/minutes?count=60').data;
  if (now === undefined)
    return (
      <>
        <Head title="Now" />
        <Loading />
      </>
    );
  return (
    <>
      <HealthCard now={now} />
      <Card title="Flow">
        <Flow now={now} />
      </Card>
      <div class="columns">
        <Card title="Last hour">
          {minutes?.some((minute) => minute.succeeded + minute.failed + minute.retried > 0) ? (
            <MinuteChart minutes={minutes} label="Attempts in the last hour" />
          ) : (
            <Empty command={sendCommand(now)}>No task has ended in the last hour.</Empty>
          )}
        </Card>
        <Card title="What changed">
          {now.changes.length === 0 ? (
            <p class="calm">Nothing since this dashboard began to look.</p>
          ) : (
            <ul class="changes">
              {now.changes.slice(0, 8).map(({ at, text }) => (
                <li key={`${at}${text}`}>
                  <time dateTime={new Date(at).toISOString()}>{clock(at)}</time> {text}
                </li>
              ))}
            </ul>
          )}
        </Card>
      </div>
      <TaskTypes now={now} />
    </>
  );
}

function sendCommand({ tasks, workers }: Sample): string {
  const task = tasks[0]?.task ?? workers[0]?.tasks[0];
  return task === undefined ? 'npx lovage dev' : `npx lovage call ${task}`;
}

const signs = { ok: '✓', warning: '!', problem: '×' };

function HealthCard({ now }: { now: Sample }) {
  const { level, text, reasons } = now.health;
  return (
    <section class={`health ${level}`} aria-label="Health">
      <h1 tabIndex={-1}>
        <span class="sign" aria-hidden="true">
          {signs[level]}
        </span>
        <span class="visually-hidden">{level}: </span>
        {text}
      </h1>
      {reasons.length > 0 && (
        <ul>
          {reasons.map((reason) => (
            <li key={`${reason.kind} ${reason.subject}`} class={reason.level}>
              {reasons.length > 1 && <span>{reason.text}</span>}
              <ReasonAction reason={reason} now={now} />
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}

/** What to press, or to type, about a reason. */
function ReasonAction({ reason: { kind, subject }, now }: { reason: HealthReason; now: Sample }) {
  switch (kind) {
    case 'failing-task': {
      const group = now.failures.find(({ task }) => task === subject);
      return (
        <span class="tools">
          {group && (
            <span class="since">
              first {ago(group.firstAt, now.at)}, last {ago(group.lastAt, now.at)}: {group.name}: {group.message}
            </span>
          )}
          <a class="button" href={href(['failures'], { task: subject })}>
            See the failures
          </a>
        </span>
      );
    }
    case 'stuck-worker':
    case 'blocked-loop':
      return (
        <a class="button" href={href(['workers'], { worker: subject })}>
          See the worker
        </a>
      );
    case 'paused-queue':
      return (
        <Act onClick={() => attempt(`Queue ${subject} goes on.`, () => post(['queues', subject, 'resume']))}>
          Resume
        </Act>
      );
    case 'no-consumer':
      return <Command text={`lovage worker -Q ${subject}`} />;
    case 'no-worker':
      return <Command text="lovage worker -A ./tasks.ts" />;
    default:
      return (
        <a class="button" href={href(['queues', subject])}>
          See the queue
        </a>
      );
  }
}

function TaskTypes({ now }: { now: Sample }) {
  if (now.tasks.length === 0) return null;
  return (
    <Card title="Tasks, last five minutes">
      <Table
        label="Tasks of the last five minutes"
        rows={now.tasks.slice(0, 30)}
        id={({ task, queue }) => `${task} ${queue}`}
        columns={[
          { name: 'task', cell: ({ task }) => <a href={href(['runs'], { task })}>{task}</a> },
          { name: 'queue', cell: ({ queue }) => <a href={href(['queues', queue])}>{queue}</a>, wide: true },
          { name: 'succeeded', cell: ({ succeeded }) => count(succeeded), number: true },
          {
            name: 'failed',
            cell: ({ task, failed }) =>
              failed > 0 ? (
                <a
                  class="bad"
                  href={href(['failures'], { task })}
                  aria-label={`${plural(failed, 'failure')} of ${task}`}
                >
                  {count(failed)}
                </a>
              ) : (
                '0'
              ),
            number: true,
          },
          { name: 'retried', cell: ({ retried }) => count(retried), number: true, wide: true },
          { name: 'wait p95', cell: ({ waitP95 }) => time(waitP95), number: true },
          { name: 'run p50', cell: ({ runP50 }) => time(runP50), number: true, wide: true },
          { name: 'run p95', cell: ({ runP95 }) => time(runP95), number: true },
        ]}
      />
    </Card>
  );
}
