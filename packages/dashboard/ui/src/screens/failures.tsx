import type { FailedTask, FailureGroup } from '@lovage/core';
import { address, post } from '../api.ts';
import { ago, clip, count, plural } from '../format.ts';
import { Act, Card, Empty, Facts, Head, Loading, RunLink, Trouble } from '../parts/basics.tsx';
import { Table } from '../parts/table.tsx';
import { attempt, go, href, route, sample, useData } from '../state.ts';

/** Failures by their cause, or those of one. */
export function FailuresScreen({ group }: { group: string | undefined }) {
  return group === undefined ? <Groups /> : <Group fingerprint={group} />;
}

function Groups() {
  const { data, error } = useData<readonly FailureGroup[]>('api/failures');
  const task = route.value.query.get('task') ?? '';
  const now = sample.value?.at ?? Date.now();
  const groups = data?.filter((group) => task === '' || group.task === task);
  return (
    <>
      <Head title="Failures" lead="Tasks that ended as FAILURE and can be run again, by cause.">
        {task !== '' && (
          <a class="button quiet" href={href(['failures'])}>
            Of {task} only ×
          </a>
        )}
      </Head>
      <Trouble error={error} />
      {groups === undefined && !error && <Loading />}
      {groups?.length === 0 && (
        <Card>
          <Empty command="npx lovage failures list">No task has failed{task && ` as ${task}`}.</Empty>
        </Card>
      )}
      <div class="stack">
        {groups?.map((group) => (
          <section key={group.fingerprint} class="card failure">
            <header>
              <h2>
                <a href={href(['failures', group.fingerprint])}>
                  {group.name}: {clip(group.message, 160)}
                </a>
              </h2>
              <span class="count big" title={`${group.open} can be run again`}>
                {count(group.open)}
              </span>
            </header>
            <p class="calm">
              {group.task}{' '}
              {group.frame && (
                <>
                  at <code>{group.frame}</code>
                </>
              )}
            </p>
            <div class="tools">
              <span class="calm">
                first {ago(group.firstAt, now)} · last {ago(group.lastAt, now)} · {count(group.total)} in all
              </span>
              <span class="push" />
              <a class="button" href={href(['run', group.example])}>
                See the latest
              </a>
              <RetryAll group={group} />
            </div>
          </section>
        ))}
      </div>
    </>
  );
}

interface RetryAnswer {
  readonly sent: number;
  readonly refused: number;
  readonly problems: readonly string[];
}

function RetryAll({ group: { fingerprint, open } }: { group: FailureGroup }) {
  const say = ({ sent, refused, problems }: RetryAnswer): string =>
    `${plural(sent, 'task')} sent again${refused > 0 ? `, ${refused} refused: ${problems[0]}` : ''}.`;
  const retry = (dryRun: boolean) =>
    attempt<RetryAnswer>(
      (answer) => (dryRun ? `Dry run: ${say(answer)}` : say(answer)),
      () =>
        post(['failures', 'retry'], { filter: { group: fingerprint }, dryRun, ...(open > 100 ? { rate: 50 } : {}) }),
    );
  return (
    <>
      <Act kind="quiet" onClick={() => retry(true)}>
        Dry run
      </Act>
      <Act
        ask={`${plural(open, 'task')} run again under their ids${open > 100 ? ', 50 a second' : ''}.`}
        onClick={() => retry(false)}
      >
        Retry {open === 1 ? 'it' : `all ${count(open)}`}
      </Act>
    </>
  );
}

function Group({ fingerprint }: { fingerprint: string }) {
  const { data, error } = useData<{ group?: FailureGroup; failures: readonly Omit<FailedTask, 'message'>[] }>(
    address(['failures', fingerprint]),
  );
  const now = sample.value?.at ?? Date.now();
  if (error) return <Trouble error={error} />;
  if (data === undefined) return <Loading />;
  const { group, failures } = data;
  if (group === undefined)
    return (
      <>
        <Head title="Failures" />
        <Card>
          <Empty>None of this cause is left: they were run again, discarded, or are too old.</Empty>
          <a class="button" href={href(['failures'])}>
            All failures
          </a>
        </Card>
      </>
    );
  return (
    <>
      <Head title={`${group.name}: ${clip(group.message, 200)}`} lead={group.task}>
        <RetryAll group={group} />
        <Act
          kind="danger"
          ask={`${plural(group.open, 'failure')} leave this list for good. Their results stay.`}
          onClick={async () => {
            const done = await attempt<{ count: number }>(
              ({ count: n }) => `${plural(n, 'failure')} discarded.`,
              () => post(['failures', 'discard'], { filter: { group: fingerprint } }),
            );
            if (done) go(href(['failures']));
          }}
        >
          Discard
        </Act>
      </Head>
      <Card>
        <Facts
          of={[
            ['open', count(group.open)],
            ['in all', count(group.total)],
            ['first', ago(group.firstAt, now)],
            ['last', ago(group.lastAt, now)],
            ['at', group.frame && <code>{group.frame}</code>],
          ]}
        />
      </Card>
      <Card title={`The latest ${failures.length}`}>
        <Table
          label="Failures of this cause"
          rows={failures}
          id={({ id }) => id}
          columns={[
            { name: 'run', cell: ({ id }) => <RunLink id={id} /> },
            { name: 'task', cell: ({ task }) => task },
            { name: 'message', cell: ({ error: { message } }) => <span class="what">{message}</span>, wide: true },
            {
              name: 'arguments',
              cell: ({ args }) => <code class="what">{clip(JSON.stringify(args), 80)}</code>,
              wide: true,
            },
            { name: 'attempt', cell: (row) => row.attempt, number: true, wide: true },
            { name: 'failed', cell: ({ at }) => ago(at, now), number: true },
          ]}
        />
      </Card>
    </>
  );
}
