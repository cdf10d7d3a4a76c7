import type { ComponentChildren } from 'preact';

/** A column: what stands in it, and whether it is a number. */
export interface Column<Row> {
  readonly name: string;
  readonly cell: (row: Row) => ComponentChildren;
  readonly number?: boolean;
  /** Left out on a phone. */
  readonly wide?: boolean;
}

interface TableProps<Row> {
  readonly label: string;
  readonly rows: readonly Row[];
  readonly columns: readonly Column<Row>[];
  readonly id: (row: Row) => string;
  /** Ids that are chosen, and what is done when one is; without it there is nothing to choose. */
  readonly chosen?: ReadonlySet<string>;
  readonly onChoose?: (ids: ReadonlySet<string>) => void;
}

/** A table that scrolls by itself where it is wider than the page. */
export function Table<Row>({ label, rows, columns, id, chosen, onChoose }: TableProps<Row>) {
  const classOf = ({ number, wide }: Column<Row>) => `${number ? 'number' : ''} ${wide ? 'wide' : ''}`;
  const toggle = (key: string) => {
    const next = new Set(chosen);
    if (!next.delete(key)) next.add(key);
    onChoose?.(next);
  };
  const all = rows.length > 0 && rows.every((row) => chosen?.has(id(row)));
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls is reached by keyboard
    <section class="scroll" aria-label={label} tabIndex={0}>
      <table>
        <thead>
          <tr>
            {onChoose && (
              <th class="choose">
                <input
                  type="checkbox"
                  aria-label="Choose all on this page"
                  checked={all}
                  onChange={() => onChoose(all ? new Set() : new Set(rows.map(id)))}
                />
              </th>
            )}
            {columns.map((column) => (
              <th key={column.name} class={classOf(column)} scope="col">
                {column.name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={id(row)}>
              {onChoose && (
                <td class="choose">
                  <input
                    type="checkbox"
                    aria-label={`Choose ${id(row)}`}
                    checked={chosen?.has(id(row)) ?? false}
                    onChange={() => toggle(id(row))}
                  />
                </td>
              )}
              {columns.map((column) => (
                <td key={column.name} class={classOf(column)}>
                  {column.cell(row)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
