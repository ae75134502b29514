import type { FactsOf, FactTable } from "../fact.ts";

/** Every fact about a PostgreSQL operation. The CEL environment, the type {@link SqlFacts} and the documentation come from this table. */
export const sqlFacts = {
  kinds: {
    type: "list<string>",
    description:
      "What the statements are, at any depth: `SELECT`, `DELETE` … For definitions both the verb and the whole: `DROP` and `DROP TABLE`. Special forms are listed besides: `SELECT FOR UPDATE`, `SELECT INTO`, `EXPLAIN ANALYZE`, `COPY FROM`, `COPY TO`, `COPY PROGRAM`.",
  },
  readOnly: {
    type: "bool",
    description:
      "Known to change nothing: no data, no definition, no lock on rows, no state of the session. Never true when `opaque` is.",
  },
  writes: {
    type: "bool",
    description: "Changes data or locks it (row locks, `LOCK`, maintenance), or may: always true when `opaque` is.",
  },
  ddl: { type: "bool", description: "Changes definitions, privileges, roles or the server's configuration." },
  tables: { type: "list<string>", description: "`reads` and `writesTo` together." },
  reads: {
    type: "list<string>",
    description:
      "Tables and views that are read, as `schema.name`. An unqualified name is listed once for each schema of the pinned search_path that it may be in. Names from WITH are not tables.",
  },
  writesTo: {
    type: "list<string>",
    description: "Tables and views that are changed, defined, locked or dropped, or whose rows are locked; named as in `reads`.",
  },
  functions: {
    type: "list<string>",
    description:
      "Functions that are called by name: PostgreSQL's own by their bare name (`lower`), others as `schema.name`, once for each schema that they may be in.",
  },
  hasWhere: {
    type: "bool",
    description:
      "Every UPDATE, DELETE and MERGE (without any of these: every SELECT) has a condition that looks at a column and is not obviously always true (`1=1`, `or true`, `id = id`). False for TRUNCATE.",
  },
  fingerprint: {
    type: "string",
    description:
      "32 hex digits, the same for texts that differ only in constants (numbers, strings, bits), layout and comments, or in the length of `IN`, `VALUES` and `ARRAY` lists; different for all others.",
  },
  statements: { type: "int", description: "How many statements the text holds." },
  opaque: {
    type: "bool",
    description: "Not fully understood, see `doubts`. An `allow` rule does not match unless it says `opaque: true`.",
  },
  doubts: { type: "list<string>", description: "Why it is opaque, in words; empty when it is not." },
  text: {
    type: "string",
    description: "The text as it was sent. Of one statement of several, which are decided alone: its own part of it.",
  },
} as const satisfies FactTable;

/** What classification found out about a PostgreSQL operation. Lists are sorted and without duplicates. */
export type SqlFacts = FactsOf<typeof sqlFacts>;
