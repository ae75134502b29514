import type { PostgresQuery } from "../../action.ts";
import type { Json } from "../../canonical.ts";
import { places } from "../../facts/postgres/fingerprint.ts";
import { parse } from "../../facts/postgres/parser.ts";
import { isTree, type Tree } from "../../facts/postgres/tree.ts";
import type { PostgresFacts } from "../../facts.ts";
import { isDecimal } from "../decimal.ts";
import type { Shape } from "../shape.ts";

/** A longer statement takes too long to parse in the turn of a call, and too long for a person to look through. */
const longestStatement = 8 * 1024;

/** The largest number that PostgreSQL takes a constant without a point for, rather than a `numeric`. */
const largestBigint = 2n ** 63n - 1n;

/**
 * One statement: its whole parse tree but for the values of its constants, and what its names stand for; then its constants and its bind
 * values. Finer than the fingerprint, in which a list stands for lists of other lengths.
 */
export function postgresShape(
  { statement, parameters, types, input, runs, connection }: PostgresQuery,
  { sql, parts }: PostgresFacts,
): Shape | undefined {
  // Data has no bounds that a person could state.
  if (input !== undefined) return undefined;
  // The arguments of EXECUTE are no bind values, and what it runs may be prepared anew.
  if (runs !== undefined) return undefined;
  if (sql.statements !== 1 || parts !== undefined || statement.length > longestStatement) return undefined;
  const [parsed, ...more] = parse(statement);
  if (parsed === undefined || more.length > 0) return undefined;
  const constants: Constant[] = [];
  const tree = without(parsed.tree, constants);
  const { fingerprint, kinds, reads, writesTo, functions } = sql;
  const byPlace = [...constants].sort((a, b) => a.at - b.at);
  return {
    fixed: {
      ...{ fingerprint, kinds, reads, writesTo, functions, tree, parameters: parameters.length },
      // Any connection of the same caller, but not one whose settings read values differently.
      ...(types && { types }),
      ...(connection?.settings && { settings: connection.settings }),
    },
    values: [
      ...constants.map((one) => ({ name: `constant ${byPlace.indexOf(one) + 1}`, value: { text: one.text } })),
      ...parameters.map((value, index) => ({ name: `$${index + 1}`, value })),
    ],
  };
}

interface Constant {
  readonly text: string;
  /** Where it stands in the text. */
  readonly at: number;
}

/** The tree without places, with each constant's type in the place of its value. */
function without(node: Tree, constants: Constant[]): { readonly [key: string]: Json } {
  const kept: Record<string, Json> = {};
  for (const [key, value] of Object.entries(node)) {
    // The folder of a tablespace has the name of a place, too.
    if (typeof value === "number" && places.has(key)) continue;
    kept[key] = key === "A_Const" && isTree(value) ? constant(value, constants) : field(value, constants);
  }
  return kept;
}

function field(value: unknown, constants: Constant[]): Json {
  if (Array.isArray(value)) return value.map((item: unknown) => field(item, constants));
  if (isTree(value)) return without(value, constants);
  if (typeof value === "string" || typeof value === "number" || typeof value === "boolean" || value === null) return value;
  throw new TypeError("the parser gave something that is not JSON");
}

/** PostgreSQL chooses operators and functions by types, so that a constant of another type makes another statement. */
function constant(node: Tree, constants: Constant[]): Json {
  const found = plainValueOf(node);
  if (found === undefined) return without(node, constants);
  constants.push({ text: found.text, at: typeof node.location === "number" ? node.location : 0 });
  return { type: found.type };
}

/** Numbers in plain notation, and strings. NULL, booleans, bits and other notations are words of the statement. */
function plainValueOf(
  node: Tree,
): { readonly type: "integer" | "bigint" | "numeric" | "string"; readonly text: string } | undefined {
  const { ival, fval, sval } = node;
  // The parser leaves out zero and the empty text.
  if (isTree(ival)) return { type: "integer", text: String(ival.ival ?? 0) };
  if (isTree(sval)) return { type: "string", text: typeof sval.sval === "string" ? sval.sval : "" };
  if (!isTree(fval) || typeof fval.fval !== "string" || !isDecimal(fval.fval)) return undefined;
  const text = fval.fval;
  return { type: !text.includes(".") && BigInt(text.replace("-", "")) <= largestBigint ? "bigint" : "numeric", text };
}
