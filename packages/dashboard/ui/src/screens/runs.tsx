import type { RunPage, RunRow } from '@lovage/core/inspect';
import { useState } from 'preact/hooks';
import { address, post } from '../api.ts';
import { ago, clock, count, plural, time } from '../format.ts';
import { Act, Card, Empty, Head, Loading, RunLink, State, Trouble } from '../parts/basics.tsx';
import { Table } from '../parts/table.tsx';
import { attempt, go, href, route, sample, useData } from '../state.ts';

const fields = ['task', 'queue', 'worker', 'tag', 'error', 'id'] as const;
const states = ['', 'SUCCESS', 'FAILURE', 'RETRY', 'REVOKED', 'RUNNING'];
const times = { '': 'any time', '300000': 'last 5 minutes', '3600000': 'last hour', '86400000': 'last day' };

/** Attempts, filtered and paged; the address holds the filter. */
export function RunsScreen() {
  const query = Object.fromEntries(route.value.query);
  const { state = '' } = query;
  return (
    <>
      <Head title="Runs" lead="Attempts that have ended, the latest first, as far as the history keeps them." />
      <Card>
        <Filter query={query} />
      </Card>
      {state === 'RUNNING' ? <Running query={query} /> : <Ended query={query} />}
    </>
  );
}

type Query = Readonly<Record<string, string>>;

function Filter({ query }: { query: Query }) {
  const set = (name: string, value: string) => {
    const { cursor: _cursor, [name]: _old, ...rest } = query;
    go(href(['runs'], { ...rest, [name]: value }), { replace: true });
  };
  const { tasks = [], queues = [], workers = [], failures = [] } = sample.value ?? {};
  const known: Readonly<Record<string, readonly string[]>> = {
    task: [...new Set([...tasks.map(({ task }) => task), ...workers.flatMap((worker) => worker.tasks)])],
    queue: queues.map(({ queue }) => queue),
    worker: workers.map(({ name }) => name),
    error: [...new Set(failures.map(({ name }) => name))],
  };
  return (
    <form class="filter" onSubmit={(event) => event.preventDefault()}>
      <label>
        <span>state</span>
        <select value={query['state'] ?? ''} onChange={(event) => set('state', event.currentTarget.value)}>
          {states.map((one) => (
            <option key={one} value={one}>
              {one || 'all that ended'}
            </option>
          ))}
        </select>
      </label>
      {fields.map((name) => (
        <label key={name}>
          <span>{name}</span>
          <input
            type="search"
            list={`known-${name}`}
            value={query[name] ?? ''}
            placeholder={name === 'task' ? 'mail.*' : ''}
            autocomplete="off"
            onChange={(event) => set(name, event.currentTarget.value.trim())}
          />
          <datalist id={`known-${name}`}>
            {known[name]?.slice(0, 200).map((one) => (
              <option key={one} value={one} />
            ))}
          </datalist>
        </label>
      ))}
      <label>
        <span>ended</span>
        <select value={query['since'] ?? ''} onChange={(event) => set('since', event.currentTarget.value)}>
          {Object.entries(times).map(([value, text]) => (
            <option key={value} value={value}>
              {text}
            </option>
          ))}
        </select>
      </label>
      {Object.keys(query).length > 0 && (
        <a class="button quiet" href={href(['runs'])}>
          Clear
        </a>
      )}
    </form>
  );
}

function Ended({ query }: { query: Query }) {
  const { since, ...rest } = query;
  const minute = Math.floor((sample.value?.at ?? Date.now()) / 10_000) * 10_000; // an address that stays for a while
  const from = since ? String(minute - Number(since)) : undefined;
  const { data, error } = useData<RunPage>(address(['runs'], { ...rest, from, limit: '50' }));
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const [last, setLast] = useState<RunPage>();
  if (data && data !== last) setLast(data);
  const page = data ?? last;
  if (error) return <Trouble error={error} />;
  if (page === undefined) return <Loading />;
  const { cursor: here } = query;
  const filtered = Object.keys(rest).length > 0 || since !== undefined;
  return (
    <Card
      title={`${plural(page.runs.length, 'run')} on this page`}
      tools={<Bulk runs={page.runs.filter((run) => chosen.has(keyOf(run)))} />}
    >
      {page.runs.length === 0 ? (
        <Empty {...(filtered ? {} : { command: 'npx lovage call TASK ARGUMENTS' })}>
          {page.cursor
            ? `None of the latest ${count(page.read)} rows fits. Look further back below.`
            : filtered
              ? 'No run fits this filter.'
              : 'No run has ended yet, or the app keeps no history.'}
        </Empty>
      ) : (
        <RunTable runs={page.runs} chosen={chosen} onChoose={setChosen} />
      )}
      <div class="pager tools">
        {here && (
          <a class="button" href={href(['runs'], { ...query, cursor: undefined })}>
            Latest
          </a>
        )}
        {page.cursor && (
          <a class="button" href={href(['runs'], { ...query, cursor: page.cursor })}>
            Older
          </a>
        )}
      </div>
    </Card>
  );
}

const keyOf = ({ id, attempt: n, at }: RunRow): string => `${id} ${n} ${at}`;

function RunTable({
  runs,
  chosen,
  onChoose,
}: {
  runs: readonly RunRow[];
  chosen: ReadonlySet<string>;
  onChoose: (ids: ReadonlySet<string>) => void;
}) {
  const now = sample.value?.at ?? Date.now();
  return (
    <Table
      label="Runs"
      rows={runs}
      id={keyOf}
      chosen={chosen}
      onChoose={onChoose}
      columns={[
        { name: 'state', cell: ({ state }) => <State of={state} /> },
        { name: 'task', cell: ({ task }) => <a href={href(['runs'], { task })}>{task}</a> },
        { name: 'run', cell: ({ id }) => <RunLink id={id} /> },
        {
          name: 'what',
          cell: ({ error, reason, tags }) => (
            <span class="what">{error ? `${error.name}: ${error.message}` : (reason ?? tags?.join(', ') ?? '')}</span>
          ),
          wide: true,
        },
        { name: 'attempt', cell: (row) => row.attempt, number: true, wide: true },
        { name: 'wait', cell: ({ wait }) => time(wait), number: true, wide: true },
        { name: 'ran', cell: ({ run }) => time(run), number: true },
        { name: 'worker', cell: ({ worker }) => worker, wide: true },
        { name: 'ended', cell: ({ at }) => <time title={clock(at)}>{ago(at, now)}</time>, number: true },
      ]}
    />
  );
}

interface RetryAnswer {
  readonly sent: number;
  readonly refused: number;
  readonly problems: readonly string[];
}

/** What can be done to the chosen ones: failed ones run again, others are revoked. */
function Bulk({ runs }: { runs: readonly RunRow[] }) {
  const failed = [...new Set(runs.filter(({ state }) => state === 'FAILURE').map(({ id }) => id))];
  const open = [...new Set(runs.filter(({ state }) => state === 'RETRY').map(({ id }) => id))];
  const say = ({ sent, refused, problems }: RetryAnswer): string =>
    `${plural(sent, 'task')} sent again${refused > 0 ? `, ${refused} refused: ${problems[0]}` : ''}.`;
  const retry = (dryRun: boolean) =>
    attempt<RetryAnswer>(
      (answer) => (dryRun ? `Dry run: ${say(answer)}` : say(answer)),
      () => post(['failures', 'retry'], { filter: { ids: failed }, dryRun }),
    );
  if (runs.length === 0) return null;
  return (
    <>
      <Act small kind="quiet" disabled={failed.length === 0} onClick={() => retry(true)}>
        Dry run
      </Act>
      <Act small disabled={failed.length === 0} onClick={() => retry(false)}>
        Retry {failed.length} failed
      </Act>
      <Act
        small
        kind="danger"
        disabled={open.length === 0}
        ask={`${plural(open.length, 'task')} that wait for another attempt end as REVOKED.`}
        onClick={() =>
          attempt<{ count: number }>(
            ({ count: n }) => `${plural(n, 'task')} revoked.`,
            () => post(['runs', 'revoke'], { ids: open }),
          )
        }
      >
        Revoke {open.length} waiting
      </Act>
    </>
  );
}

function Running({ query }: { query: Query }) {
  const running = (sample.value?.workers ?? [])
    .flatMap(({ name, running: own }) => own.map((one) => ({ ...one, worker: name })))
    .filter(
      ({ task, queue, worker, id }) =>
        (!query['task'] || task === query['task']) &&
        (!query['queue'] || queue === query['queue']) &&
        (!query['worker'] || worker === query['worker']) &&
        (!query['id'] || id === query['id']),
    )
    .sort((a, b) => b.runningFor - a.runningFor);
  return (
    <Card title={`${plural(running.length, 'run')} now`}>
      {running.length === 0 ? (
        <Empty>Nothing runs at this moment.</Empty>
      ) : (
        <Table
          label="Running tasks"
          rows={running}
          id={({ id }) => id}
          columns={[
            { name: 'task', cell: ({ task }) => task },
            { name: 'run', cell: ({ id }) => <RunLink id={id} /> },
            { name: 'queue', cell: ({ queue }) => queue, wide: true },
            { name: 'worker', cell: ({ worker }) => worker },
            { name: 'for', cell: ({ runningFor }) => time(runningFor), number: true },
          ]}
        />
      )}
    </Card>
  );
}
