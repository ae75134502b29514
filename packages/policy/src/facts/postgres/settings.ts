import { CountersignError } from "../../outcome.ts";
import { isTree, listOf, namesOf, nodeOf, type Tree, textOf, unwrap } from "./tree.ts";

/**
 * Settings that a statement must not change: the first five decide what a text means, so that changing one would make later
 * classification wrong; the others change whose rights later statements on the same connection have.
 */
const pinned: ReadonlySet<string> = new Set([
  "standard_conforming_strings",
  "client_encoding",
  "backslash_quote",
  "escape_string_warning",
  "search_path",
  "role",
  "session_authorization",
]);

/** Refuses `SET`, `RESET` and `ALTER … SET` of a pinned setting. */
export function refusePinned(set: Tree): void {
  if (set.kind === "VAR_RESET_ALL") throw refusal("RESET ALL", "every setting");
  const name = textOf(set.name).toLowerCase();
  if (pinned.has(name)) throw refusal(set.kind === "VAR_RESET" ? "RESET" : "SET", name);
}

/** Refuses `DISCARD ALL`, which resets every setting. */
export function refuseDiscardAll(): never {
  throw refusal("DISCARD ALL", "every setting");
}

/** Refuses `set_config` of a pinned setting, or of one that is not named by a constant. */
export function refusePinnedCall(call: Tree): void {
  const parameters = listOf(call.args);
  const named = parameters.find((one) => nodeOf(one, "NamedArgExpr")?.name === "setting_name");
  // VARIADIC passes the arguments as an array.
  const name = call.func_variadic === true ? undefined : constantText(named ?? parameters[0])?.toLowerCase();
  if (name === undefined || (named === undefined && unwrap(parameters[0])?.kind === "NamedArgExpr")) {
    throw new CountersignError(
      "invalid_operation",
      "set_config is refused because the setting is not named by a constant: it could be one that Countersign pins.",
    );
  }
  if (pinned.has(name)) throw refusal("set_config", name);
}

/**
 * The text of a string constant, also behind a parameter's name (`setting_name => 'x'`) and casts that leave every text as it is. Others do
 * not: `'rolex'::varchar(4)` is `role`, and so is `'role '::bpchar`.
 */
function constantText(value: unknown): string | undefined {
  const found = unwrap(value);
  if (found?.kind === "NamedArgExpr") return constantText(found.node.arg);
  if (found?.kind === "TypeCast") return isText(found.node.typeName) ? constantText(found.node.arg) : undefined;
  if (found?.kind !== "A_Const" || !isTree(found.node.sval)) return undefined;
  return textOf(found.node.sval.sval);
}

function isText(type: unknown): boolean {
  if (!isTree(type)) return false;
  const name = namesOf(type.names)?.join(".");
  const plain = listOf(type.typmods).length === 0 && listOf(type.arrayBounds).length === 0;
  return plain && (name === "text" || name === "pg_catalog.text" || name === "varchar" || name === "pg_catalog.varchar");
}

/** `UPDATE pg_settings` is `set_config` behind a rule. */
export function refuseSettingsTable(targets: readonly string[]): void {
  if (targets.includes("pg_catalog.pg_settings")) throw refusal("Writing to pg_settings", "any setting");
}

/** Whether a statement's options turn something on: `ANALYZE`, `(ANALYZE true)`, but not `(ANALYZE off)`. */
export function optionIsOn(options: unknown, name: string): boolean {
  return listOf(options).some((item) => {
    const option = nodeOf(item, "DefElem");
    return option?.defname === name && !isOff(option.arg);
  });
}

/** As PostgreSQL's defGetBoolean: no value is on; `false`, `off` and 0 are off; anything else is taken for on. */
function isOff(value: unknown): boolean {
  const found = unwrap(value);
  if (found?.kind === "String") return ["false", "off"].includes(textOf(found.node.sval).toLowerCase());
  if (found?.kind === "Integer") return isTree(found.node) && (found.node.ival ?? 0) === 0;
  if (found?.kind === "Boolean") return found.node.boolval !== true;
  return false;
}

function refusal(what: string, name: string): CountersignError {
  return new CountersignError(
    "invalid_operation",
    `${what} is refused because it changes ${name}, which Countersign pins for every connection. Write the statement without it, with names qualified by their schema.`,
  );
}
