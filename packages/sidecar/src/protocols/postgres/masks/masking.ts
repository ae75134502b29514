import { CountersignError, mentionsOf, type SqlFacts } from "@countersign/policy";
import { type MaskedRelation, type MaskedRelations, relationName } from "./catalog.ts";

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

/** What a statement is masked by: its facts, and the texts that its EXECUTEs and FETCHes run. */
export interface MaskedStatement {
  readonly facts: SqlFacts;
  readonly runs?: readonly string[] | undefined;
}

/** Changes that write what they have read. */
const storing: ReadonlySet<string> = new Set(["INSERT", "UPDATE", "MERGE"]);

/**
 * What one statement's result may not show. A column that comes straight from a table is masked by its origin; one that is computed is
 * masked as soon as the statement could have made it of a masked column. What conditions tell (`where email like 'a%'`) is not hidden.
 */
export class Masking {
  readonly #relations: MaskedRelations;
  readonly #facts: SqlFacts;
  readonly #texts: readonly string[];
  /** Whether what is computed, and what the server says in errors and notices, may hold masked values. */
  readonly #isTouched: boolean;

  /**
   * @param masks `schema.table.column`, or `schema.table.*`.
   * @throws {CountersignError} `denied` when a mask names a column that its table does not have; as `mentionsOf`.
   */
  constructor(masks: readonly string[], relations: MaskedRelations, { facts, runs = [] }: MaskedStatement) {
    for (const mask of masks) requireColumn(mask, relations, facts);
    this.#relations = relations;
    this.#facts = facts;
    this.#texts = [facts.text, ...runs];
    this.#isTouched = facts.opaque || this.#names("named");
  }

  /**
   * Refuses what gives values in a form that cannot be masked, or could put them where they are not masked.
   *
   * @throws {CountersignError} `denied`.
   */
  accept(): void {
    const refusal = this.#refusal();
    if (refusal !== undefined) throw new CountersignError("denied", refusal);
  }

  #refusal(): string | undefined {
    const { kinds, opaque, doubts, ddl, writes } = this.#facts;
    if (kinds.includes("COPY TO") && this.hidesWords) return copied;
    const isInUse = [...this.#relations.values()].some(({ name }) => !name.startsWith("pg_catalog."));
    if (!isInUse) return undefined;
    if (opaque) return unseen(doubts);
    // Triggers tell whoever listens of whole rows.
    if (kinds.includes("LISTEN")) return listening;
    if (ddl && this.#readsMasked()) return defined;
    return writes && kinds.some((kind) => storing.has(kind)) && this.#names("stored") ? stored : undefined;
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
    return this.#read().length > 0;
  }

  #read(): readonly MaskedRelation[] {
    return [...this.#relations.values()].filter(({ name }) => this.#facts.tables.includes(name));
  }

  /** Whether a text names a masked column of what the statement reads, or could. */
  #names(which: "named" | "stored"): boolean {
    const read = this.#read();
    if (read.length === 0) return false;
    return this.#texts.some((text) => {
      const { columns, wholeRows } = mentionsOf(text, which);
      return wholeRows || read.some((one) => one.columns === "all" || [...one.columnNames].some((name) => columns.has(name)));
    });
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

const copied = "COPY gives whole rows, and the rule masks columns of what is copied. SELECT the columns that you need.";
const listening = "The rule masks columns, and notifications could hold their values.";
const defined =
  "The rule masks columns of what this statement defines, or defines something by: they could be seen there unmasked.";
const stored =
  "The statement could write values of masked columns to where they are not masked. Write constants, or other columns.";

function unseen([doubt = "it is opaque"]: readonly string[]): string {
  return `The rule masks columns, and this statement is not fully understood (${doubt}): it could show them elsewhere. Write it as plain SQL.`;
}
