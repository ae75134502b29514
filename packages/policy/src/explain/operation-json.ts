import { z } from "zod";
import type { McpCall, Operation, PostgresParameter, PostgresQuery, SshExec, SshSubsystem } from "../action.ts";
import type { Json } from "../canonical.ts";
import type { ProtocolName } from "../facts/protocols.ts";
import { CountersignError } from "../outcome.ts";
import { commandLine } from "./command-line.ts";
import { checkShape, json } from "./json-shape.ts";
import { readHttp, readKubernetes } from "./request-json.ts";

/**
 * Reads an operation from JSON (or YAML) as people and programs write it, for tests, explanations and simulations.
 *
 * A text is the SQL statement, the command line, `METHOD PATH` or `SERVER/TOOL {arguments}`. An object has the operation's own fields:
 *
 * - postgres `{statement, parameters?}`; `sql` and `text` stand for `statement`, `params` for `parameters`; a parameter is any JSON value,
 *   or `{text}` or `{binary}` as in actions
 * - ssh `{command, tty?}`, `{argv, tty?}` (each argument quoted) or `{subsystem}`
 * - kubernetes and http `{method, path, query?, headers?, body?}`; kubernetes also `{exec: {namespace, pod, container?, argv, stdin?, tty?}}`
 * - mcp `{server, tool, arguments, schema?}`; `args` stands for `arguments`
 *
 * With `kind` an object is an `Operation` exactly as actions hold it.
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
const query = z.strictObject({
  kind: z.literal("postgres.query").optional(),
  statement: text.optional(),
  sql: text.optional(),
  text: text.optional(),
  parameters,
  params: parameters,
});

function readPostgres(value: unknown): PostgresQuery {
  const what = "a postgres operation";
  if (typeof value === "string") return { kind: "postgres.query", statement: value, parameters: [] };
  const { statement, sql, text: plain, parameters: given, params } = checkShape(what, value, query);
  return {
    kind: "postgres.query",
    statement: one(what, { statement, sql, text: plain }),
    parameters: (several(what, { parameters: given, params }) ?? []).map(parameter),
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

const exec = z.strictObject({
  kind: z.literal("ssh.exec").optional(),
  command: text.optional(),
  argv: z.array(text).min(1, { error: "argv must hold at least the program" }).optional(),
  tty: z.boolean().optional(),
});
const subsystem = z.strictObject({ kind: z.literal("ssh.subsystem").optional(), subsystem: text });

function readSsh(value: unknown): SshExec | SshSubsystem {
  const what = "an ssh operation";
  if (typeof value === "string") return { kind: "ssh.exec", command: value };
  if (typeof value === "object" && value !== null && "subsystem" in value)
    return { kind: "ssh.subsystem", subsystem: checkShape(what, value, subsystem).subsystem };
  const { command, argv, tty } = checkShape(what, value, exec);
  const line = one(what, { command, argv: argv && commandLine(argv) });
  return { kind: "ssh.exec", command: line, ...(tty === undefined ? {} : { tty }) };
}

const jsonObject = z.record(text, json);
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
    arguments: several(what, { arguments: given, args }) ?? {},
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

/** The one that is there, of several names for the same. */
function one<T>(what: string, names: Readonly<Record<string, T | undefined>>): T {
  const found = several(what, names);
  if (found !== undefined) return found;
  throw new CountersignError("invalid_request", `Not ${what}: "${Object.keys(names).join('" or "')}" is missing.`);
}

function several<T>(what: string, names: Readonly<Record<string, T | undefined>>): T | undefined {
  const given = Object.entries(names).flatMap(([name, value]) => (value === undefined ? [] : [[name, value] as const]));
  if (given.length <= 1) return given[0]?.[1];
  const said = given.map(([name]) => `"${name}"`).join(" and ");
  throw new CountersignError("invalid_request", `Not ${what}: ${said} are the same; write one of them.`);
}
