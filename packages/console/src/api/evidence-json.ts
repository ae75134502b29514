import { DecodeError, JsonObject } from "./json.ts";
import type { Cell, Evidence, FieldChange, FieldChanges, ParameterReading, PastDecision, PlanLine, RowChange } from "./model.ts";
import { operation } from "./operation-json.ts";
import { states } from "./words.ts";

/** Evidence: what an operation would do. @throws {DecodeError} */
export function evidence(json: JsonObject): Evidence {
  return {
    timeMs: json.count("timeMs"),
    failure: json.string("failure"),
    plan: json.string("plan"),
    // Absent is not 0: who sees "0 rows" believes that nothing happens.
    estimatedRows: json.optionalCount("estimatedRows"),
    affectedRows: json.optionalCount("affectedRows"),
    sample: json.list("sample", rowChange),
    difference: json.string("difference"),
    locks: json.strings("locks"),
    changes: json.has("changes") ? fieldChanges(json.object("changes")) : undefined,
    about: [...json.list("about", namedText)],
    notes: json.strings("notes"),
  };
}

function fieldChanges(json: JsonObject): FieldChanges {
  return { fields: json.list("fields", fieldChange), more: json.count("more") };
}

function fieldChange(value: unknown, path: string): FieldChange {
  const json = new JsonObject(value, path);
  const optional = (name: string) => (json.has(name) ? json.string(name) : undefined);
  const change = { path: json.string("path"), before: optional("before"), after: optional("after") };
  if (change.before === undefined && change.after === undefined) throw new DecodeError(`${path} has neither side`);
  return change;
}

function namedText(value: unknown, path: string): Evidence["about"][number] {
  const json = new JsonObject(value, path);
  return { name: json.string("name"), text: json.string("text") };
}

function rowChange(value: unknown, path: string): RowChange {
  const json = new JsonObject(value, path);
  const columns = json.strings("columns");
  const [before, after] = [json.list("before", cell), json.list("after", cell)];
  for (const side of [before, after]) {
    if (side.length !== 0 && side.length !== columns.length) throw new DecodeError(`${path} has not one value for each column`);
  }
  return { columns, before, after, beforeUnknown: json.boolean("beforeUnknown") };
}

function cell(value: unknown, path: string): Cell {
  const json = new JsonObject(value, path);
  return json.has("text") ? json.string("text") : null;
}

/** PastDecision. @throws {DecodeError} */
export function pastDecision(value: unknown, path: string): PastDecision {
  const json = new JsonObject(value, path);
  return {
    id: json.string("id"),
    state: json.word("state", states),
    subject: json.string("subject"),
    votes: json.strings("votes"),
    createdMs: json.count("createdMs"),
  };
}

/** ParameterReading. @throws {DecodeError} */
export function parameterReading(value: unknown, path: string): ParameterReading {
  const json = new JsonObject(value, path);
  return { name: json.string("name"), text: json.string("text") };
}

/** PlanLine. @throws {DecodeError} */
export function planLine(value: unknown, path: string): PlanLine {
  const json = new JsonObject(value, path);
  return {
    index: json.count("index"),
    resource: json.string("resource"),
    operation: operation(json.object("operation")),
    role: json.string("role"),
    rules: json.strings("rules"),
    factsJson: json.string("factsJson"),
    struck: json.boolean("struck"),
    state: json.word("state", states),
  };
}
