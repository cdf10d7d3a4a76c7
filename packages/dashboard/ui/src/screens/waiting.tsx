import { post } from '../api.ts';
import { clock } from '../format.ts';
import { Act, Card, Empty, Head, Loading, RunLink, Trouble } from '../parts/basics.tsx';
import { Table } from '../parts/table.tsx';
import { attempt, sample, useData } from '../state.ts';

interface Waiting {
  readonly gates?: readonly {
    readonly id: string;
    readonly name: string;
    readonly rootId?: string;
    readonly since: string;
    readonly until: string;
    readonly input?: unknown;
  }[];
  readonly groups?: readonly {
    readonly name: string;
    readonly app: string;
    readonly pattern: string;
    readonly task: string;
    readonly queue: string;
  }[];
  readonly halted?: readonly {
    readonly task: string;
    readonly key: string;
    readonly failed: string;
    readonly queue: string;
  }[];
  readonly stamps?: readonly Readonly<Record<string, unknown>>[];
}

/** What holds tasks back, and what sends them on. */
export function WaitingScreen() {
  const { data, error } = useData<Waiting>('api/waiting');
  const blocked = sample.value?.queues.filter((queue) => queue.blocked > 0) ?? [];
  return (
    <>
      <Head
        title="Locks & topics"
        lead="What holds tasks back: ordering and concurrency keys, gates, revocations; and the subscriptions of topics."
      />
      <Trouble error={error} />
      {data === undefined && !error && <Loading />}
      <Card title="Tasks that wait for their turn">
        {blocked.length === 0 ? (
          <Empty command="npx lovage queues">
            No task waits for an ordering key, a concurrency key or its fair share.
          </Empty>
        ) : (
          <Table
            label="Blocked tasks"
            rows={blocked}
            id={({ queue }) => queue}
            columns={[
              { name: 'queue', cell: ({ queue }) => queue },
              { name: 'blocked', cell: (queue) => queue.blocked, number: true },
            ]}
          />
        )}
      </Card>
      {data && <Details data={data} />}
    </>
  );
}

function Details({ data: { gates, groups, halted, stamps } }: { data: Waiting }) {
  return (
    <>
      <Card title="Ordering keys that a failure has closed">
        {halted?.length ? (
          <Table
            label="Closed ordering keys"
            rows={halted}
            id={({ task, key }) => `${task} ${key}`}
            columns={[
              { name: 'task', cell: ({ task }) => task },
              { name: 'key', cell: ({ key }) => key },
              { name: 'failed', cell: ({ failed }) => <RunLink id={failed} /> },
            ]}
          />
        ) : (
          <Empty command="npx lovage ordering list">None is closed.</Empty>
        )}
      </Card>
      <Card title="Gates that wait">
        {gates?.length ? (
          <Table
            label="Gates"
            rows={gates}
            id={({ id }) => id}
            columns={[
              { name: 'gate', cell: ({ name }) => name },
              { name: 'since', cell: ({ since }) => clock(since), wide: true },
              { name: 'until', cell: ({ until }) => clock(until), wide: true },
              {
                name: 'input',
                cell: ({ input }) => <code class="what">{input === undefined ? '' : JSON.stringify(input)}</code>,
                wide: true,
              },
              {
                name: '',
                cell: ({ id, name }) => (
                  <span class="tools">
                    <Act
                      small
                      ask={`${name} is resolved with null, and what waits for it goes on.`}
                      onClick={() => attempt('Resolved.', () => post(['gates', id, 'resolve']))}
                    >
                      Resolve
                    </Act>
                    <Act
                      small
                      kind="danger"
                      ask={`${name} fails, and what waits for it.`}
                      onClick={() => attempt('Rejected.', () => post(['gates', id, 'reject']))}
                    >
                      Reject
                    </Act>
                  </span>
                ),
              },
            ]}
          />
        ) : (
          <Empty command="npx lovage gate list">No gate waits.</Empty>
        )}
      </Card>
      <Card title="Subscriptions of topics">
        {groups?.length ? (
          <Table
            label="Subscriptions"
            rows={groups}
            id={({ name }) => name}
            columns={[
              { name: 'group', cell: ({ name }) => name },
              { name: 'pattern', cell: ({ pattern }) => <code>{pattern}</code> },
              { name: 'task', cell: ({ task }) => task },
              { name: 'queue', cell: ({ queue }) => queue, wide: true },
              { name: 'app', cell: ({ app }) => app, wide: true },
            ]}
          />
        ) : (
          <Empty command="npx lovage topics list">No durable subscription: declare one with app.subscription.</Empty>
        )}
      </Card>
      {stamps && stamps.length > 0 && (
        <Card title="Revocations by stamp">
          <Table
            label="Revocations by stamp"
            rows={stamps}
            id={(rule) => JSON.stringify(rule)}
            columns={[{ name: 'rule', cell: (rule) => <code class="what">{JSON.stringify(rule)}</code> }]}
          />
        </Card>
      )}
    </>
  );
}
