import { CountersignError, mentionsOf, type SqlFacts } from "@countersign/policy";
import { type MaskedRelations, relationName } from "./catalog.ts";

/** Where a column of a result comes from, as RowDescription tells it; 0 = it is computed. */
export interface ColumnOrigin {
  readonly tableID: number;
  readonly columnID: number;
  readonly dataTypeID: number;
}

/** What is done with each column's values: passed on, replaced by a text, or by NULL. */
export type ColumnMask = "pass" | "text" | "null";

/** text, varchar, bpchar, name, unknown: what can hold the text of a mask, in both formats (pg_type.oid). */
const textTypes: ReadonlySet<number> = new Set([25, 1043, 1042, 19, 705]);

/** Statements whose output says nothing of what it is made of. */
const indirect: ReadonlySet<string> = new Set(["FETCH", "EXECUTE", "CALL", "DO"]);

/**
 * What one statement's result may not show. A column that comes straight from a table is masked by its origin; one that is computed is
 * masked as soon as the statement could have made it of a masked column. What conditions tell (`where email like 'a%'`) is not hidden.
 */
export class Masking {
  readonly #relations: MaskedRelations;
  /** Whether what is computed, and what the server says in errors and notices, may hold masked values. */
  readonly #isTouched: boolean;
  readonly #facts: SqlFacts;

  /**
   * @param masks `schema.table.column`, or `schema.table.*`.
   * @throws {CountersignError} `denied` when a mask names a column that its table does not have; as `mentionsOf`.
   */
  constructor(masks: readonly string[], relations: MaskedRelations, facts: SqlFacts) {
    for (const mask of masks) requireColumn(mask, relations, facts);
    this.#relations = relations;
    this.#facts = facts;
    this.#isTouched = isTouched(relations, facts);
  }

  /**
   * Refuses what gives values in a form that cannot be masked.
   *
   * @throws {CountersignError} `denied`.
   */
  accept(): void {
    const { kinds } = this.#facts;
    if (!kinds.includes("COPY TO") || !(this.#isTouched || this.#readsMasked())) return;
    throw new CountersignError(
      "denied",
      "COPY gives whole rows, and the rule masks columns of what is copied. SELECT the columns that you need.",
    );
  }

  /** Whether the server's own words about the statement may quote masked values, e.g. `invalid input syntax for type integer: "…"`. */
  get hidesWords(): boolean {
    return this.#isTouched || this.#readsMasked();
  }

  /** What is done with each column; undefined when all are passed on. */
  columns(origins: readonly ColumnOrigin[]): readonly ColumnMask[] | undefined {
    const masks = origins.map((origin) => this.#column(origin));
    return masks.every((mask) => mask === "pass") ? undefined : masks;
  }

  #column({ tableID, columnID, dataTypeID }: ColumnOrigin): ColumnMask {
    const isMasked = tableID === 0 ? this.#isTouched : this.#isMasked(tableID, columnID);
    if (!isMasked) return "pass";
    return textTypes.has(dataTypeID) ? "text" : "null";
  }

  #isMasked(tableID: number, columnID: number): boolean {
    const columns = this.#relations.get(tableID)?.columns;
    return columns === "all" || (columns?.has(columnID) ?? false);
  }

  #readsMasked(): boolean {
    return [...this.#relations.values()].some(({ name }) => this.#facts.tables.includes(name));
  }
}

/** A mistake in a rule must not show what it means to hide. */
function requireColumn(mask: string, relations: MaskedRelations, { tables }: SqlFacts): void {
  const [schema = "", table = "", column = ""] = mask.split(".");
  const name = relationName(schema, table);
  if (column === "*" || !tables.includes(name)) return;
  for (const relation of relations.values()) {
    if (relation.name !== name || relation.columns === "all" || relation.columnNames.has(column)) continue;
    const message = `The rule masks ${mask}, but ${name} has no column of that name, so nothing of it is shown. The operator must mend the rule.`;
    throw new CountersignError("denied", message);
  }
}

function isTouched(relations: MaskedRelations, { opaque, kinds, tables, text }: SqlFacts): boolean {
  if (opaque || kinds.some((kind) => indirect.has(kind))) return true;
  const read = [...relations.values()].filter(({ name }) => tables.includes(name));
  if (read.length === 0) return false;
  const { columns, wholeRows } = mentionsOf(text);
  return (
    wholeRows ||
    read.some(({ columns: masked, columnNames }) => masked === "all" || [...columnNames].some((name) => columns.has(name)))
  );
}
