import type { FailedTask, OutcomeRecord } from '@lovage/core';
import type { MessageLocation, RunRow, TaskGraph } from '@lovage/core/inspect';
import { useState } from 'preact/hooks';
import { address, post } from '../api.ts';
import { clock, time } from '../format.ts';
import { Act, Card, Copy, Empty, Facts, Head, Loading, Modal, State, Trouble } from '../parts/basics.tsx';
import { Graph } from '../parts/graph.tsx';
import { Json } from '../parts/json.tsx';
import { ArgsForm } from '../parts/schema-form.tsx';
import { attempt, href, useData } from '../state.ts';

interface RunDetail {
  readonly id: string;
  readonly task?: string;
  readonly args?: readonly unknown[];
  readonly schema?: Readonly<Record<string, unknown>>;
  readonly record?: OutcomeRecord;
  readonly location?: MessageLocation;
  readonly message?: Readonly<Record<string, unknown>>;
  readonly attempts: readonly RunRow[];
  readonly failure?: Omit<FailedTask, 'message'>;
}

/** One run: what it was given, what came of it, and what can be done. */
export function RunScreen({ id }: { id: string }) {
  const { data, error } = useData<RunDetail>(address(['runs', id]));
  const [last, setLast] = useState<RunDetail>();
  if (data && data !== last) setLast(data);
  const run = data ?? last;
  if (run === undefined) return error ? <Trouble error={error} /> : <Loading />;
  const unknown = !run.record && !run.location && run.attempts.length === 0 && !run.failure;
  return (
    <>
      <Head
        title={run.task ?? 'Run'}
        lead={
          <>
            <code>{id}</code> <Copy text={id} />
          </>
        }
      >
        {!unknown && <Actions run={run} />}
      </Head>
      {unknown ? (
        <Card>
          <Empty command={`npx lovage result ${id}`}>
            Nothing is known of this id: it was never sent, or its result is no longer kept.
          </Empty>
        </Card>
      ) : (
        <Details run={run} />
      )}
    </>
  );
}

/** What is known of where it stands: a stored outcome first, then its message. */
function stateOf({ record, location, attempts }: RunDetail): string {
  if (record && record.state !== 'PENDING') return record.state;
  if (location) return location === 'running' ? 'STARTED' : location.toUpperCase();
  return record?.state ?? attempts.at(-1)?.state ?? 'PENDING';
}

function Actions({ run }: { run: RunDetail }) {
  const [editing, setEditing] = useState(false);
  const ended = ['SUCCESS', 'FAILURE', 'REVOKED'].includes(stateOf(run));
  return (
    <>
      {run.failure && (
        <>
          <Act kind="main" onClick={() => attempt('Sent again under its id.', () => post(['runs', run.id, 'retry']))}>
            Retry
          </Act>
          <Act onClick={() => setEditing(true)}>Edit and retry</Act>
        </>
      )}
      {!ended && (
        <Act
          kind="danger"
          ask="It ends as REVOKED, and is broken off where it runs."
          onClick={() => attempt('Revoked.', () => post(['runs', run.id, 'revoke'], { terminate: true }))}
        >
          Revoke
        </Act>
      )}
      {editing && <EditAndRetry run={run} onClose={() => setEditing(false)} />}
    </>
  );
}

function EditAndRetry({ run, onClose }: { run: RunDetail; onClose: () => void }) {
  const [args, setArgs] = useState<readonly unknown[] | undefined>(run.args ?? []);
  const [shown] = useState<readonly unknown[]>(run.args ?? []);
  const [schema] = useState(run.schema);
  const send = async () => {
    const done = await attempt('Sent again with other arguments.', () => post(['runs', run.id, 'retry'], { args }));
    if (done) onClose();
  };
  return (
    <Modal title={`Edit the arguments of ${run.task}`} onClose={onClose}>
      <ArgsForm schema={schema} value={args ?? shown} onChange={setArgs} />
      <p class="calm">A secret that stays [redacted] is sent as it was.</p>
      <div class="tools end">
        <button type="button" onClick={onClose}>
          Cancel
        </button>
        <Act kind="main" disabled={args === undefined} onClick={send}>
          Retry with these
        </Act>
      </div>
    </Modal>
  );
}

function Details({ run }: { run: RunDetail }) {
  const { record, failure, args } = run;
  const error = record?.failure ?? (failure && { ...failure.error, stack: failure.stack });
  const last = run.attempts.at(-1);
  const message = run.message as
    | { readonly queue?: string; readonly sentAt?: number; readonly eta?: number; readonly tags?: readonly string[] }
    | undefined;
  const progress = record?.progress;
  return (
    <>
      <Card>
        <Facts
          of={[
            ['state', <State key="state" of={stateOf(run)} />],
            ['queue', message?.queue ?? last?.queue],
            ['worker', record?.worker ?? last?.worker],
            ['attempts', record?.attempts || last?.attempt],
            ['sent', message?.sentAt && clock(message.sentAt)],
            ['due', message?.eta && clock(message.eta)],
            [
              record && ['SUCCESS', 'FAILURE', 'REVOKED'].includes(record.state) ? 'ended' : 'since',
              record && record.at > 0 ? clock(record.at) : undefined,
            ],
            ['reason', record?.reason],
            ['tags', (message?.tags ?? last?.tags)?.join(', ')],
          ]}
        />
        {progress !== undefined && <Progress value={progress} />}
      </Card>
      {error && <Failure error={error} frame={failure?.error.frame ?? last?.error?.frame} />}
      <div class="columns">
        <Card title="Arguments">
          {args === undefined ? (
            <p class="calm">They go with the message: of a run that has ended, only failures keep theirs.</p>
          ) : (
            <Json value={args} label="Arguments" />
          )}
        </Card>
        <Card title="Result">
          {record?.state === 'SUCCESS' ? (
            <Json value={record.value} label="Result" />
          ) : (
            <p class="calm">{record?.list ? 'The values of its members.' : 'There is none.'}</p>
          )}
        </Card>
      </div>
      <Attempts run={run} />
      <Canvas id={run.id} />
      {run.message && (
        <details class="card">
          <summary>Message, without its arguments</summary>
          <Json value={run.message} label="Message" />
        </details>
      )}
    </>
  );
}

/** A number from 0 to 1, or `{ done, of }`, is a bar; anything else is shown as it is. */
function Progress({ value }: { value: unknown }) {
  const { done, total, of } = (typeof value === 'object' && value !== null ? value : {}) as Readonly<
    Record<string, unknown>
  >;
  const most = [total, of].find((one): one is number => typeof one === 'number');
  const part = typeof value === 'number' ? value : typeof done === 'number' && most ? done / most : undefined;
  return (
    <div class="progress">
      {part === undefined ? null : <progress value={Math.min(1, Math.max(0, part))} max={1} aria-label="Progress" />}
      <code>{JSON.stringify(value)}</code>
    </div>
  );
}

interface ErrorShown {
  readonly name: string;
  readonly message: string;
  readonly stack?: string | undefined;
  readonly data?: unknown;
  readonly cause?: { readonly name: string; readonly message: string } | undefined;
}

function Failure({ error, frame }: { error: ErrorShown; frame: string | undefined }) {
  return (
    <section class="card failure" aria-label="Error">
      <header>
        <h2 class="bad">
          {error.name}: {error.message}
        </h2>
      </header>
      {frame && (
        <p>
          in your code at <code>{frame}</code>
        </p>
      )}
      {error.cause && (
        <p class="calm">
          caused by {error.cause.name}: {error.cause.message}
        </p>
      )}
      {error.data !== undefined && <Json value={error.data} label="Fields of the error" />}
      {error.stack && (
        <details>
          <summary>Stack</summary>
          {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls is reached by keyboard */}
          <pre tabIndex={0}>{error.stack}</pre>
        </details>
      )}
    </section>
  );
}

/** When each attempt waited and ran, on one line of time. */
function Attempts({ run }: { run: RunDetail }) {
  const { attempts } = run;
  if (attempts.length === 0) return null;
  const begin = Math.min(...attempts.map(({ at, run: ran, wait }) => at - ran - wait));
  const end = Math.max(...attempts.map(({ at }) => at));
  const share = (ms: number): string => `${((ms / Math.max(1, end - begin)) * 100).toFixed(2)}%`;
  return (
    <Card title="Attempts">
      <ol class="attempts">
        {attempts.map((row) => (
          <li key={`${row.attempt} ${row.at}`}>
            <div class="line">
              <State of={row.state} />
              <span>
                attempt {row.attempt} at {row.worker}, {clock(row.at)}
              </span>
              <span class="calm">
                waited {time(row.wait)}, ran {time(row.run)}
              </span>
              {row.error && (
                <span class="what">
                  {row.error.name}: {row.error.message}
                </span>
              )}
            </div>
            <div class="track" aria-hidden="true">
              <span
                class="waited"
                style={{ left: share(row.at - row.run - row.wait - begin), width: share(row.wait) }}
              />
              <span
                class={`ran ${row.state === 'SUCCESS' ? 'good' : 'bad'}`}
                style={{ left: share(row.at - row.run - begin), width: share(row.run) }}
              />
            </div>
          </li>
        ))}
      </ol>
    </Card>
  );
}

function Canvas({ id }: { id: string }) {
  const { data } = useData<TaskGraph>(address(['runs', id, 'graph']));
  if (data === undefined || data.nodes.length < 2) return null;
  return (
    <Card title="Canvas">
      <Graph graph={data} current={id} to={(node) => href(['run', node])} />
    </Card>
  );
}
