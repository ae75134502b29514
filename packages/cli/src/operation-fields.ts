import type { Body, HttpRequest, LineOperation } from "@countersign/policy";
import { CliError, exitCodes } from "./exit.ts";

/** A part of an operation that a person can write anew. */
interface Field<Operation> {
  /** As it is; undefined for what is not there, and for what is no text. */
  readonly get: (operation: Operation) => string | undefined;
  /** @throws {CliError} when it cannot be that. */
  readonly set: (operation: Operation, text: string) => Operation;
}

/** What can be changed of one kind of operation. The first field is what an editor opens and a file replaces. */
interface Editable<Operation> {
  /** Of the file that an editor opens. */
  readonly extension: string;
  readonly fields: { readonly [name: string]: Field<Operation> };
}

type Kind = LineOperation["kind"];
type Operations = { [K in Kind]: Extract<LineOperation, { readonly kind: K }> };

const editables: { readonly [K in Kind]: Editable<Operations[K]> } = {
  "postgres.query": {
    extension: ".sql",
    fields: { statement: { get: ({ statement }) => statement, set: (operation, statement) => ({ ...operation, statement }) } },
  },
  "ssh.exec": {
    extension: ".sh",
    fields: {
      command: { get: ({ command }) => command, set: (operation, command) => ({ ...operation, command }) },
      stdin: { get: ({ stdin }) => textOf(stdin), set: (operation, text) => ({ ...operation, stdin: { text } }) },
    },
  },
  "ssh.file": {
    extension: ".txt",
    fields: {
      content: { get: ({ content }) => textOf(content), set: (operation, text) => ({ ...operation, content: { text } }) },
      path: { get: ({ path }) => path, set: (operation, path) => ({ ...operation, path }) },
      to: { get: ({ to }) => to, set: (operation, to) => ({ ...operation, to }) },
    },
  },
  "ssh.subsystem": {
    extension: ".txt",
    fields: { subsystem: { get: ({ subsystem }) => subsystem, set: (operation, subsystem) => ({ ...operation, subsystem }) } },
  },
  "kubernetes.request": { extension: ".json", fields: requestFields() },
  "http.request": { extension: ".json", fields: requestFields() },
  "mcp.call": {
    extension: ".json",
    fields: {
      arguments: {
        get: ({ arguments: given }) => JSON.stringify(given, null, 2),
        set: (operation, text) => ({ ...operation, arguments: jsonObject(text) }),
      },
      tool: { get: ({ tool }) => tool, set: (operation, tool) => ({ ...operation, tool }) },
    },
  },
};

/** The names of what can be changed of a kind of operation; an editor opens the first. */
function fieldsOf(kind: Kind): readonly string[] {
  return Object.keys(editables[kind].fields);
}

/** What an editor opens of an operation. */
export function mainText(operation: LineOperation): { readonly text: string | undefined; readonly extension: string } {
  return mainTextOf(operation.kind, operation);
}

/** @throws {CliError} when the operation has no such field, or it cannot be that. */
export function withField(operation: LineOperation, name: string, text: string): LineOperation {
  return changed(operation.kind, operation, name, text);
}

/** As {@link withField}, for what an editor opens. */
export function withMainText(operation: LineOperation, text: string): LineOperation {
  return withField(operation, fieldsOf(operation.kind)[0] ?? "", text);
}

function mainTextOf<K extends Kind>(kind: K, operation: Operations[K]) {
  const { extension, fields }: Editable<Operations[K]> = editables[kind];
  return { text: Object.values(fields)[0]?.get(operation), extension };
}

function changed<K extends Kind>(kind: K, operation: Operations[K], name: string, text: string): Operations[K] {
  const { fields }: Editable<Operations[K]> = editables[kind];
  const field = Object.hasOwn(fields, name) ? fields[name] : undefined;
  if (field !== undefined) return field.set(operation, text);
  const known = fieldsOf(kind).join(", ");
  throw new CliError(exitCodes.usage, `There is no ${JSON.stringify(name)} in this operation; what can be changed is ${known}.`);
}

function requestFields<Operation extends Pick<HttpRequest, "method" | "path" | "body">>(): Editable<Operation>["fields"] {
  return {
    body: { get: ({ body }) => textOf(body), set: (operation, text) => ({ ...operation, body: { text } }) },
    path: { get: ({ path }) => path, set: (operation, path) => ({ ...operation, path }) },
    method: { get: ({ method }) => method, set: (operation, method) => ({ ...operation, method }) },
  };
}

function textOf(body: Body | undefined): string | undefined {
  return body !== undefined && "text" in body ? body.text : undefined;
}

function jsonObject(text: string): Extract<LineOperation, { kind: "mcp.call" }>["arguments"] {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return { ...value };
  } catch {
    // Said below.
  }
  throw new CliError(exitCodes.usage, "The arguments are not a JSON object.");
}
