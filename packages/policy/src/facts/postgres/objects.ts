import { namesOf, nodeOf, type Tree, textOf } from "./tree.ts";

/** Object types that are relations, and those that belong to one and are named below it (`schema.table.trigger`). */
const relationTypes: ReadonlySet<unknown> = new Set(
  ["TABLE", "VIEW", "MATVIEW", "SEQUENCE", "INDEX", "FOREIGN_TABLE"].map((t) => `OBJECT_${t}`),
);
const partTypes: ReadonlySet<unknown> = new Set(
  ["COLUMN", "TRIGGER", "RULE", "POLICY", "TABCONSTRAINT"].map((t) => `OBJECT_${t}`),
);

/** Whether an object belongs to another, as a column does to its table. */
export function isPart(type: unknown): boolean {
  return partTypes.has(type) || type === "OBJECT_ATTRIBUTE" || type === "OBJECT_DOMCONSTRAINT";
}

/** The relation that a name in COMMENT, DROP and SECURITY LABEL is or belongs to, as a `RangeVar`. */
export function relationOf(type: unknown, object: unknown): Tree | undefined {
  const list = nodeOf(object, "List");
  const names = list && namesOf(list.items);
  if (!names) return undefined;
  const parts = partTypes.has(type) ? names.slice(0, -1) : relationTypes.has(type) ? names : undefined;
  return parts && { schemaname: parts.at(-2), relname: parts.at(-1) };
}

const objectNames: Readonly<Record<string, string>> = {
  FDW: "FOREIGN DATA WRAPPER",
  FOREIGN_SERVER: "SERVER",
  LARGEOBJECT: "LARGE OBJECT",
  MATVIEW: "MATERIALIZED VIEW",
  OPCLASS: "OPERATOR CLASS",
  OPFAMILY: "OPERATOR FAMILY",
  STATISTIC_EXT: "STATISTICS",
  TABCONSTRAINT: "CONSTRAINT",
  TSCONFIGURATION: "TEXT SEARCH CONFIGURATION",
  TSDICTIONARY: "TEXT SEARCH DICTIONARY",
  TSPARSER: "TEXT SEARCH PARSER",
  TSTEMPLATE: "TEXT SEARCH TEMPLATE",
};

/** `OBJECT_FOREIGN_TABLE` → `FOREIGN TABLE`. */
export function objectWords(type: unknown): string {
  const name = textOf(type).replace("OBJECT_", "");
  return objectNames[name] ?? name.replaceAll("_", " ");
}
