import type { AuditEntry } from '@lovage/core/inspect';
import { clip, clock } from '../format.ts';
import { Card, Empty, Head, Loading, Trouble } from '../parts/basics.tsx';
import { Table } from '../parts/table.tsx';
import { useData } from '../state.ts';

/** Who pressed what, the latest first. */
export function AuditScreen() {
  const { data, error } = useData<readonly AuditEntry[]>('api/audit?limit=200');
  return (
    <>
      <Head title="Audit" lead="Who did what on this dashboard, the latest first. The app's history keeps it." />
      <Trouble error={error} />
      {data === undefined && !error && <Loading />}
      {data && (
        <Card>
          {data.length === 0 ? (
            <Empty>Nobody has done anything yet.</Empty>
          ) : (
            <Table
              label="Audit"
              rows={data}
              id={({ at, action, target }) => `${at} ${action} ${target}`}
              columns={[
                { name: 'when', cell: ({ at }) => clock(at) },
                { name: 'who', cell: ({ who }) => who },
                { name: 'action', cell: ({ action }) => action },
                { name: 'to what', cell: ({ target }) => <code class="what">{clip(target, 80)}</code> },
                { name: 'outcome', cell: ({ detail }) => <span class="what">{outcomeOf(detail)}</span>, wide: true },
              ]}
            />
          )}
        </Card>
      )}
    </>
  );
}

function outcomeOf(detail: unknown): string {
  const { outcome } = (typeof detail === 'object' && detail !== null ? detail : {}) as Readonly<
    Record<string, unknown>
  >;
  return typeof outcome === 'string' ? outcome : '';
}
