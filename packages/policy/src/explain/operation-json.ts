import { z } from "zod";
import type { McpCall, Operation, PostgresParameter, PostgresQuery } from "../action.ts";
import type { Json } from "../canonical.ts";
import type { ProtocolName } from "../facts/protocols.ts";
import { CountersignError } from "../outcome.ts";
import { checkShape, json, jsonObject, oneOf, optionalOf } from "./json-shape.ts";
import { connection, exactBody } from "./own-json.ts";
import { readHttp, readKubernetes } from "./request-json.ts";
import { readSsh } from "./ssh-json.ts";

/**
 * Reads an operation from JSON (or YAML) as people and programs write it, for tests, explanations and simulations.
 *
 * A text is the SQL statement, the command line, `METHOD PATH` or `SERVER/TOOL {arguments}`. An object has the operation's own fields:
 *
 * - postgres `{statement, parameters?, types?, input?, runs?, connection?}`; `sql`, `text` and `query` stand for `statement`, `params` for
 *   `parameters`; a parameter is any JSON value, or `{text}` or `{binary}` as in actions
 * - ssh `{command, tty?, stdin?}`, `{argv, tty?, stdin?}` (each argument quoted), `{action, path, to?, content?, attributes?}` or `{subsystem}`
 * - kubernetes and http `{method, path, query?, headers?, body?}`; kubernetes also `uid` and `{exec: {namespace, pod, container?,
 *   argv, stdin?, tty?}}`
 * - mcp `{server, tool, arguments, schema?}`; `args` stands for `arguments`
 *
 * With `kind` (`postgres.query`, …) a body is `{text}` or `{binary}`, so that an `Operation` of an action is read as it is. What an
 * unmodified client's operation has besides, `connection` and `streamed`, is read as well.
 *
 * @throws {CountersignError} `invalid_request` with what is wrong, where, and the known key that is nearest to an unknown one.
 */
export function readOperation(type: ProtocolName, value: unknown): Operation {
  return readers[type](value);
}

const readers = {
  postgres: readPostgres,
  ssh: readSsh,
  kubernetes: readKubernetes,
  http: readHttp,
  mcp: readMcp,
} as const satisfies Readonly<Record<ProtocolName, (value: unknown) => Operation>>;

const text = z.string();

const parameters = z.array(json).optional();
const statement = z.strictObject({
  kind: z.literal("postgres.query").optional(),
  statement: text.optional(),
  sql: text.optional(),
  text: text.optional(),
  query: text.optional(),
  parameters,
  params: parameters,
  types: z.array(z.int().nonnegative()).exactOptional(),
  input: exactBody.exactOptional(),
  runs: z.array(text).exactOptional(),
  connection: connection.exactOptional(),
});

function readPostgres(value: unknown): PostgresQuery {
  const what = "a postgres operation";
  if (typeof value === "string") return { kind: "postgres.query", statement: value, parameters: [] };
  const {
    kind: _,
    parameters: given,
    params,
    types,
    input,
    runs,
    connection: own,
    ...names
  } = checkShape(what, value, statement);
  return {
    kind: "postgres.query",
    statement: oneOf(what, { statement: undefined, ...names }),
    parameters: (optionalOf(what, { parameters: given, params }) ?? []).map(parameter),
    ...(types && { types }),
    ...(input && { input }),
    ...(runs && { runs }),
    ...(own && { connection: own }),
  };
}

/** A bind value in text format, as drivers send plain values. */
function parameter(value: Json): PostgresParameter {
  if (value === null) return null;
  if (typeof value === "string") return { text: value };
  if (typeof value === "object" && !Array.isArray(value)) {
    const [only, ...others] = Object.entries(value);
    if (only !== undefined && others.length === 0 && typeof only[1] === "string") {
      if (only[0] === "text") return { text: only[1] };
      if (only[0] === "binary") return { binary: only[1] };
    }
  }
  return { text: JSON.stringify(value) };
}

const call = z.strictObject({
  kind: z.literal("mcp.call").optional(),
  server: text.min(1),
  tool: text.min(1),
  arguments: jsonObject.optional(),
  args: jsonObject.optional(),
  schema: json.optional(),
});

function readMcp(value: unknown): McpCall {
  const what = "an mcp operation";
  const {
    server,
    tool,
    arguments: given,
    args,
    schema,
  } = checkShape(what, typeof value === "string" ? toolLine(value) : value, call);
  return {
    kind: "mcp.call",
    ...{ server, tool },
    arguments: optionalOf(what, { arguments: given, args }) ?? {},
    ...(schema === undefined ? {} : { schema }),
  };
}

/** `github/merge_pull_request {"number": 7}` */
function toolLine(line: string): unknown {
  const [, server, tool, rest = ""] = /^([^/\s]+)\/(\S+)\s*(.*)$/s.exec(line) ?? [];
  if (server === undefined || tool === undefined)
    throw new CountersignError(
      "invalid_request",
      'Not a tool call: write SERVER/TOOL {arguments}, e.g. github/get_issue {"number": 7}.',
    );
  if (rest === "") return { server, tool };
  try {
    return { server, tool, arguments: JSON.parse(rest) };
  } catch (cause) {
    throw new CountersignError("invalid_request", "Not a tool call: what follows SERVER/TOOL is no JSON object.", { cause });
  }
}
