import type { Finding } from '@lovage/core/inspect';
import { useEffect, useState } from 'preact/hooks';
import { get } from '../api.ts';
import { Card, Command, Empty, Head, Loading, State, Trouble } from '../parts/basics.tsx';

/** What `lovage doctor` finds; asked when the screen opens, since it takes a second. */
export function BrokerScreen() {
  const [findings, setFindings] = useState<readonly Finding[]>();
  const [error, setError] = useState<string>();
  const [round, setRound] = useState(0);
  useEffect(() => {
    const end = new AbortController();
    setFindings(undefined);
    setError(undefined);
    get<readonly Finding[]>('api/broker', end.signal).then(setFindings, (thrown: unknown) => {
      if (!end.signal.aborted) setError(thrown instanceof Error ? thrown.message : String(thrown));
    });
    return () => end.abort();
  }, [round]);
  const wrong = findings?.filter(({ state }) => state !== 'ok') ?? [];
  const well = findings?.filter(({ state }) => state === 'ok') ?? [];
  return (
    <>
      <Head title="Broker" lead="What lovage doctor finds in the stores, clocks, workers and queues.">
        <button type="button" onClick={() => setRound(round + 1)}>
          Look again
        </button>
      </Head>
      <Trouble error={error} />
      {findings === undefined && !error && <Loading />}
      {findings && (
        <Card title="Findings">
          {wrong.length === 0 ? <Empty command="npx lovage doctor">Nothing is wrong.</Empty> : <Findings of={wrong} />}
        </Card>
      )}
      {well.length > 0 && (
        <Card title="In order">
          <Findings of={well} />
        </Card>
      )}
    </>
  );
}

function Findings({ of }: { of: readonly Finding[] }) {
  return (
    <ul class="findings">
      {of.map(({ check, state, message, fix }) => (
        <li key={message}>
          <State of={state} />
          <div>
            <strong>{check}</strong> {message}
            {fix && (
              <p>
                <Command text={fix} />
              </p>
            )}
          </div>
        </li>
      ))}
    </ul>
  );
}
