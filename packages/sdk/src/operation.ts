import { type Body, bodyOf, commandLine, type LineOperation, operationMessage } from "@countersign/policy/operation";
import type { Operation, PlannedAction, PostgresParameter, SubmitRequest } from "@countersign/rpc";
import type {
  Asking,
  Content,
  GuardedAction,
  HttpRequestAction,
  KubernetesRequestAction,
  McpCallAction,
  PostgresQueryAction,
  SshExecAction,
  SshFileAction,
} from "./action.ts";
import { CountersignError } from "./errors.ts";
import { toParameter } from "./parameter.ts";

/** Actions by kind. */
interface Actions {
  "postgres.query": PostgresQueryAction;
  "ssh.exec": SshExecAction;
  "ssh.file": SshFileAction;
  "kubernetes.request": KubernetesRequestAction;
  "http.request": HttpRequestAction;
  "mcp.call": McpCallAction;
}

const operations: { readonly [Kind in keyof Actions]: (action: Actions[Kind]) => Operation } = {
  "postgres.query": postgresQuery,
  "ssh.exec": ({ kind, command, stdin }) =>
    message({
      ...{ kind, command: typeof command === "string" ? command : commandLine(command) },
      ...(stdin === undefined ? {} : { stdin: toBody(stdin) }),
    }),
  "ssh.file": ({ resource, content, ...action }) =>
    message({ ...action, ...(content === undefined ? {} : { content: toBody(content) }) }),
  "kubernetes.request": ({ resource, headers, body, ...action }) => message({ ...action, ...toRequest({ headers, body }) }),
  "http.request": ({ resource, headers, body, ...action }) => message({ ...action, ...toRequest({ headers, body }) }),
  "mcp.call": ({ kind, server, tool, arguments: given = {} }) => message({ kind, server, tool, arguments: given }),
};

/**
 * An action as the wire carries it.
 *
 * @throws {CountersignError} `invalid_operation` or `invalid_parameter`; nothing was sent.
 */
export function toOperation(action: GuardedAction): Operation {
  if (!Object.hasOwn(operations, action.kind)) {
    const kinds = Object.keys(operations).join(", ");
    throw new CountersignError(
      "invalid_operation",
      `There is no kind of action ${JSON.stringify(action.kind)}; there are ${kinds}.`,
    );
  }
  return operationOf(action.kind, action);
}

/**
 * An action as a line of a plan, as the wire carries it.
 *
 * @throws {CountersignError} as {@link toOperation}.
 */
export function toPlanned(action: GuardedAction): PlannedAction {
  return { resource: action.resource, operation: toOperation(action) };
}

/**
 * An action with its reason, key and session as the wire carries it.
 *
 * @throws {CountersignError} as {@link toOperation}.
 */
export function toSubmit(action: GuardedAction, asking: Asking, session: string): SubmitRequest {
  return {
    resource: action.resource,
    operation: toOperation(action),
    reason: (asking.reason ?? "").toWellFormed(),
    idempotencyKey: asking.idempotencyKey ?? "",
    session,
  };
}

function operationOf<Kind extends keyof Actions>(kind: Kind, action: Actions[Kind]): Operation {
  return operations[kind](action);
}

/** Half of a surrogate pair would be changed on the way, and then something else would be approved than what was asked. */
function message(operation: LineOperation): Operation {
  if (isWellFormed(operation)) return operationMessage(operation);
  throw new CountersignError("invalid_operation", "The action holds half of a surrogate pair; text cannot.");
}

function isWellFormed(value: unknown): boolean {
  if (typeof value === "string") return value.isWellFormed();
  if (typeof value !== "object" || value === null) return true;
  return Object.entries(value).every(([name, one]) => name.isWellFormed() && isWellFormed(one));
}

function toBody(content: Content): Body {
  return typeof content === "string" ? { text: content } : bodyOf(content);
}

function toRequest({ headers = [], body }: { [Part in "headers" | "body"]: HttpRequestAction[Part] | undefined }) {
  const pairs: readonly (readonly [string, string])[] = Array.isArray(headers) ? headers : Object.entries(headers);
  return { headers: pairs, ...(body === undefined ? {} : { body: toBody(body) }) };
}

/** PostgreSQL's own limit (a 16 bit count in the Bind message). */
const maxParameters = 65_535;

function postgresQuery({ statement, parameters = [] }: PostgresQueryAction): Operation {
  if (typeof statement !== "string" || statement.trim() === "") {
    throw new CountersignError("invalid_operation", "The statement is empty; pass one SQL statement.");
  }
  // Both would be changed on the way, and then something else would be approved than what was asked.
  if (statement.includes("\0") || !statement.isWellFormed()) {
    throw new CountersignError(
      "invalid_operation",
      "The statement holds a NUL character or half of a surrogate pair; SQL text cannot.",
    );
  }
  if (parameters.length > maxParameters) {
    throw new CountersignError(
      "invalid_parameter",
      `${parameters.length} parameters; PostgreSQL takes at most ${maxParameters}.`,
    );
  }
  // Not map: it would skip the holes of a sparse array.
  const values: PostgresParameter[] = [];
  for (const [index, parameter] of parameters.entries()) values.push(toParameter(parameter, index));
  const rest = { types: [], input: undefined, connection: undefined, runs: undefined };
  return { operation: { $case: "postgresQuery", value: { statement, parameters: values, ...rest } } };
}
