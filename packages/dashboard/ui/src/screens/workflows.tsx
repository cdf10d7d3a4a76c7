import { address, post } from '../api.ts';
import { ago, clock, time } from '../format.ts';
import { Act, Card, Empty, Facts, Head, Loading, RunLink, State, Trouble } from '../parts/basics.tsx';
import { Json } from '../parts/json.tsx';
import { Table } from '../parts/table.tsx';
import { attempt, href, sample, useData } from '../state.ts';

interface WorkflowRun {
  readonly id: string;
  readonly name: string;
  readonly version?: string;
  readonly state: string;
  readonly createdAt: number;
  readonly updatedAt: number;
  readonly wakeAt?: number;
  readonly note?: string;
}

/** The runs of workflows, the latest change first. */
export function WorkflowsScreen() {
  const { data, error } = useData<readonly WorkflowRun[]>('api/workflows');
  const now = sample.value?.at ?? Date.now();
  return (
    <>
      <Head title="Workflows" lead="Runs whose steps are stored, the latest change first." />
      <Trouble error={error} />
      {data === undefined && !error && <Loading />}
      {data && (
        <Card>
          {data.length === 0 ? (
            <Empty command="npx lovage workflow list">No workflow has run yet: define one with app.workflow.</Empty>
          ) : (
            <Table
              label="Runs of workflows"
              rows={data}
              id={({ id }) => id}
              columns={[
                { name: 'state', cell: ({ state }) => <State of={state} /> },
                { name: 'workflow', cell: ({ name, version }) => `${name}${version ? ` ${version}` : ''}` },
                {
                  name: 'run',
                  cell: ({ id }) => (
                    <a class="id" href={href(['workflows', id])}>
                      {id.length > 14 ? `…${id.slice(-12)}` : id}
                    </a>
                  ),
                },
                { name: 'waits for', cell: ({ note }) => <span class="what">{note ?? ''}</span>, wide: true },
                { name: 'wakes', cell: ({ wakeAt }) => (wakeAt ? clock(wakeAt) : '–'), wide: true },
                { name: 'started', cell: ({ createdAt }) => ago(createdAt, now), number: true, wide: true },
                { name: 'changed', cell: ({ updatedAt }) => ago(updatedAt, now), number: true },
              ]}
            />
          )}
        </Card>
      )}
    </>
  );
}

interface WorkflowDetail {
  readonly status: {
    readonly workflow: string;
    readonly version?: string;
    readonly state: string;
    readonly startedAt?: string;
    readonly updatedAt?: string;
    readonly wakeAt?: string;
    readonly note?: string;
    readonly events: readonly { readonly name: string; readonly payload: unknown }[];
  };
  readonly steps: readonly {
    readonly n?: number;
    readonly key: string;
    readonly kind: string;
    readonly state: string;
    readonly at?: string;
    readonly took?: number;
    readonly value?: unknown;
    readonly failure?: { readonly name: string; readonly message: string };
  }[];
}

/** One run of a workflow: its steps, and what it waits for. */
export function WorkflowScreen({ id }: { id: string }) {
  const { data, error } = useData<WorkflowDetail>(address(['workflows', id]));
  if (data === undefined) return error ? <Trouble error={error} /> : <Loading />;
  const { status, steps } = data;
  const ended = ['SUCCESS', 'FAILURE', 'REVOKED'].includes(status.state);
  return (
    <>
      <Head title={status.workflow || 'Workflow'} lead={<code>{id}</code>}>
        {(status.state === 'FAILURE' || status.state === 'DIVERGED') && (
          <Act kind="main" onClick={() => attempt('It is taken up again.', () => post(['workflows', id, 'retry']))}>
            Retry from the failed step
          </Act>
        )}
        {!ended && (
          <Act
            kind="danger"
            ask="Its compensations run, then it ends as REVOKED."
            onClick={() => attempt('Cancelled.', () => post(['workflows', id, 'cancel']))}
          >
            Cancel
          </Act>
        )}
      </Head>
      <Card>
        <Facts
          of={[
            ['state', <State key="state" of={status.state} />],
            ['version', status.version],
            ['started', status.startedAt && clock(status.startedAt)],
            ['changed', status.updatedAt && clock(status.updatedAt)],
            ['wakes', status.wakeAt && clock(status.wakeAt)],
            ['waits for', status.note],
            ['as a task', <RunLink key="run" id={id} />],
          ]}
        />
      </Card>
      <Card title="Steps">
        {steps.length === 0 ? (
          <Empty>No step has ended yet.</Empty>
        ) : (
          <ol class="steps">
            {steps.map((step) => (
              <li key={step.key} class={step.state}>
                <div class="line">
                  <State of={step.state} />
                  <strong>{step.key}</strong>
                  <span class="calm">
                    {step.kind}
                    {step.took === undefined ? '' : `, took ${time(step.took)}`}
                    {step.at && (step.state === 'WAITING' ? `, until ${clock(step.at)}` : `, ${clock(step.at)}`)}
                  </span>
                </div>
                {step.failure && (
                  <p class="bad">
                    {step.failure.name}: {step.failure.message}
                  </p>
                )}
                {step.value !== undefined && step.value !== null && (
                  <details>
                    <summary>Value</summary>
                    <Json value={step.value} label={`Value of ${step.key}`} />
                  </details>
                )}
              </li>
            ))}
          </ol>
        )}
      </Card>
    </>
  );
}
