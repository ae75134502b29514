import type { JsonObject } from "../api/json.ts";
import { list, type Sentence } from "./sentence.ts";

/** What classification found out about a statement, as far as the page says it. */
export interface SqlFacts {
  readonly kinds: readonly string[];
  readonly readOnly: boolean;
  readonly writes: boolean;
  readonly ddl: boolean;
  readonly reads: readonly string[];
  readonly writesTo: readonly string[];
  readonly functions: readonly string[];
  readonly hasWhere: boolean;
  /** Not fully understood. */
  readonly opaque: boolean;
  /** Why it is opaque. */
  readonly doubts: readonly string[];
  readonly statements: number;
}

/** What is known of a statement; undefined when it is missing or of another form. @throws {DecodeError} */
export function sqlFacts(sql: JsonObject): SqlFacts | undefined {
  // Without these two nothing can be said: their absence must not read as harmless.
  if (!sql.has("kinds") || !sql.has("opaque")) return undefined;
  return {
    kinds: sql.strings("kinds"),
    readOnly: sql.boolean("readOnly"),
    writes: sql.boolean("writes"),
    ddl: sql.boolean("ddl"),
    reads: sql.strings("reads"),
    writesTo: sql.strings("writesTo"),
    functions: sql.strings("functions"),
    hasWhere: sql.boolean("hasWhere"),
    opaque: sql.boolean("opaque"),
    doubts: sql.strings("doubts"),
    statements: sql.count("statements"),
  };
}

/** What is done to rows, to be followed by the tables. Everything else is named as PostgreSQL names it. */
const rowVerbs: Readonly<Record<string, string>> = {
  INSERT: "insert rows into",
  UPDATE: "change rows in",
  DELETE: "delete rows from",
  MERGE: "merge rows into",
  TRUNCATE: "remove all rows from",
  "SELECT FOR UPDATE": "lock rows of",
};

/** What is asked for, to follow “… asks to”: `delete rows from public.orders`. */
export function sqlWish(facts: SqlFacts): string {
  if (facts.opaque) return "run a statement that could not be fully understood";
  // `DROP TABLE` says more than the `DROP` that is listed with it, and a SELECT is no news beside a DELETE.
  const kinds = facts.kinds.filter((kind) => !facts.kinds.some((other) => other.startsWith(`${kind} `)) && kind !== "SELECT");
  if (kinds.length === 0 && !facts.kinds.includes("SELECT")) return "run a statement";
  if (kinds.length === 0) return facts.reads.length > 0 ? `read ${list(facts.reads)}` : "read data";
  const rows = kinds.flatMap((kind) => rowVerbs[kind] ?? []);
  const rest = kinds.filter((kind) => !(kind in rowVerbs));
  const objects = list(facts.writesTo.length > 0 ? facts.writesTo : facts.reads);
  const parts: string[] = [];
  if (rows.length > 0) parts.push(`${list(rows)} ${objects || "a table"}`);
  if (rest.length > 0) parts.push(`run ${list(rest)}${rows.length === 0 && objects !== "" ? ` on ${objects}` : ""}`);
  return list(parts);
}

/** The facts in plain sentences, the gravest first. */
export function sqlSentences(facts: SqlFacts): readonly Sentence[] {
  const said: Sentence[] = [];
  const say = (tone: Sentence["tone"], text: string) => said.push({ tone, text });
  if (facts.opaque) {
    const why = facts.doubts.length === 0 ? "" : ` (${facts.doubts.join("; ")})`;
    say(
      "danger",
      `Countersign could not fully understand this statement${why}. It may do more than is listed here: judge it by its text.`,
    );
  }
  if (changesEveryRow(facts))
    say("danger", `No WHERE clause that limits it: every row of ${list(facts.writesTo) || "the table"} may be affected.`);
  if (facts.kinds.some((kind) => kind === "TRUNCATE" || kind.startsWith("DROP")))
    say("danger", "Removes whole objects or all of their rows.");
  if (facts.statements > 1) say("caution", `Holds ${facts.statements} statements.`);
  if (facts.ddl) say("caution", "Changes definitions, privileges or settings, not only rows.");
  if (facts.writesTo.length > 0) say("caution", `Writes to ${list(facts.writesTo)}.`);
  else if (facts.writes) say("caution", facts.opaque ? "May write; to what is not known." : "Writes.");
  if (changesRows(facts) && facts.hasWhere) say("plain", "Limited by a WHERE clause.");
  if (facts.reads.length > 0) say("plain", `Reads ${list(facts.reads)}.`);
  if (facts.functions.length > 0) say("plain", `Calls ${list(facts.functions.map((name) => `${name}()`))}.`);
  if (facts.readOnly && !facts.opaque) say("plain", "Only reads.");
  return said;
}

/** Whether it changes rows, and no condition limits which. */
export function changesEveryRow(facts: SqlFacts): boolean {
  return changesRows(facts) && !facts.hasWhere;
}

function changesRows({ kinds }: SqlFacts): boolean {
  return kinds.some((kind) => kind === "DELETE" || kind === "UPDATE" || kind === "MERGE");
}
