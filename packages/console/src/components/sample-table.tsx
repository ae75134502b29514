import type { Cell, RowChange } from "../api/model.ts";
import { type ChangedCell, changedRow } from "../display/evidence-words.ts";
import { plural } from "../display/time.ts";
import { Exact } from "../ui/exact.tsx";

const kinds = { new: "new", after: "afterwards", gone: "removed", changed: "changed" } as const;

/** Some of the rows that would change, before and after. Rows of one shape share a table. */
export function SampleTable(props: { readonly sample: readonly RowChange[]; readonly affectedRows: number | undefined }) {
  const { sample, affectedRows } = props;
  const tables = Map.groupBy(sample, ({ columns }) => JSON.stringify(columns));
  const of = affectedRows !== undefined && affectedRows > sample.length ? ` of ${affectedRows.toLocaleString("en-US")}` : "";
  return [...tables].map(([key, rows]) => (
    // biome-ignore lint/a11y/useSemanticElements: a labelled table that scrolls is not a fieldset
    // biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls sideways, and has to by keyboard too
    <div key={key} className="sample" role="group" aria-label="Rows, before and after" tabIndex={0}>
      <table>
        <caption>
          {sample.length.toLocaleString("en-US")}
          {of} {sample.length === 1 && of === "" ? "row" : "rows"}, before and after
          {tables.size > 1 && `: ${plural(rows.length, "row")} of this shape`}
        </caption>
        <thead>
          <tr>
            <th scope="col">Row</th>
            {(rows[0]?.columns ?? []).map((column, index) => (
              <th key={index} scope="col">
                <Exact text={column} />
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row, index) => (
            <Row key={index} row={row} />
          ))}
        </tbody>
      </table>
    </div>
  ));
}

function Row({ row }: { readonly row: RowChange }) {
  const { kind, cells } = changedRow(row);
  return (
    <tr className={`sample-${kind}`}>
      <th scope="row">{kinds[kind]}</th>
      {cells.map((cell, index) => (
        <td key={index} className={cell.changed ? "cell-changed" : undefined}>
          <Sides cell={cell} />
        </td>
      ))}
    </tr>
  );
}

function Sides({ cell }: { readonly cell: ChangedCell }) {
  const { before, after, changed } = cell;
  if (!changed) return <Value value={before ?? null} />;
  return (
    <>
      {before !== undefined && (
        <del>
          <Value value={before} />
        </del>
      )}
      {after !== undefined && (
        <ins>
          <Value value={after} />
        </ins>
      )}
    </>
  );
}

function Value({ value }: { readonly value: Cell }) {
  if (value === null) return <span className="cell-null">NULL</span>;
  return value === "" ? <span className="cell-null">empty text</span> : <Exact text={value} />;
}
