import { DecodeError, JsonObject } from "./json.ts";
import type {
  Content,
  FileAttributes,
  Kind,
  Operation,
  OperationOf,
  Operations,
  OwnConnection,
  OwnInput,
  Parameter,
} from "./operation.ts";

/** One kind of operation in the wire's JSON. */
interface Form<K extends Kind> {
  /** The field of `Operation` that it stands in. */
  readonly field: string;
  /** All fields that it can have. One that this page does not know might change what it means. */
  readonly known: readonly string[];
  readonly read: (json: JsonObject) => OperationOf[K];
  /** Without what is its client's own: an edit cannot change that. */
  readonly write: (operation: Operations[K]) => unknown;
}

const own = ["connection", "streamed"];
const request = ["method", "path", "headers", "body", ...own];

const forms: { readonly [K in Kind]: Form<K> } = {
  "postgres.query": {
    field: "postgresQuery",
    known: ["statement", "parameters", "types", "input", "runs", "connection"],
    read: (json) => ({
      kind: "postgres.query",
      statement: json.string("statement"),
      parameters: json.list("parameters", parameter),
      types: json.list("types", typeOid),
      input: body(json, "input"),
      runs: json.has("runs") ? json.object("runs").strings("statements") : undefined,
      connection: connection(json),
    }),
    write: ({ statement, parameters, types, input }) => ({
      ...{ statement, parameters: parameters.map(contentJson), types },
      ...(input && { input: contentJson(input) }),
    }),
  },
  "ssh.exec": {
    field: "sshExec",
    known: ["command", "tty", "stdin", ...own],
    read: (json) => ({
      kind: "ssh.exec",
      ...{ command: json.string("command"), tty: json.boolean("tty"), stdin: body(json, "stdin") },
      ...ownInput(json),
    }),
    write: ({ command, tty, stdin }) => ({ command, tty, ...(stdin && { stdin: contentJson(stdin) }) }),
  },
  "ssh.file": {
    field: "sshFile",
    known: ["action", "path", "to", "content", "attributes", ...own],
    read: (json) => ({
      kind: "ssh.file",
      action: json.string("action"),
      path: json.string("path"),
      to: json.has("to") ? json.string("to") : undefined,
      content: body(json, "content"),
      attributes: json.has("attributes") ? fileAttributes(json.object("attributes")) : undefined,
      ...ownInput(json),
    }),
    write: ({ action, path, to, content, attributes }) => ({
      ...{ action, path, to, attributes },
      ...(content && { content: contentJson(content) }),
    }),
  },
  "ssh.subsystem": {
    field: "sshSubsystem",
    known: ["subsystem", ...own],
    read: (json) => ({ kind: "ssh.subsystem", subsystem: json.string("subsystem"), ...ownInput(json) }),
    write: ({ subsystem }) => ({ subsystem }),
  },
  "kubernetes.request": {
    field: "kubernetesRequest",
    known: [...request, "uid"],
    read: (json) => ({ kind: "kubernetes.request", ...webRequest(json), uid: json.string("uid") }),
    write: ({ uid, ...operation }) => ({ ...webRequestJson(operation), uid }),
  },
  "http.request": {
    field: "httpRequest",
    known: request,
    read: (json) => ({ kind: "http.request", ...webRequest(json) }),
    write: webRequestJson,
  },
  "mcp.call": {
    field: "mcpCall",
    known: ["server", "tool", "argumentsJson", "schemaJson"],
    read: (json) => ({
      ...{ kind: "mcp.call", server: json.string("server"), tool: json.string("tool") },
      ...{ argumentsJson: json.string("argumentsJson"), schemaJson: json.string("schemaJson") },
    }),
    write: ({ server, tool, argumentsJson, schemaJson }) => ({ server, tool, argumentsJson, schemaJson }),
  },
};

const kinds = Object.keys(forms) as readonly Kind[];

/** Operation. What this page cannot show whole is an error, never shown in part. @throws {DecodeError} */
export function operation(json: JsonObject): Operation {
  const kind = kinds.find((one) => json.has(forms[one].field));
  if (kind === undefined) throw new DecodeError("The operation is of a kind that this page does not know");
  return read(kind, json);
}

function read<K extends Kind>(kind: K, json: JsonObject): OperationOf[K] {
  const form = forms[kind];
  json.only([form.field]);
  const value = json.object(form.field);
  value.only(form.known);
  return form.read(value);
}

/** An operation as the wire's JSON, for an edit. */
export function operationJson(operation: Operation): unknown {
  return { [forms[operation.kind].field]: written(operation.kind, operation) };
}

function written<K extends Kind>(kind: K, operation: Operations[K]): unknown {
  return forms[kind].write(operation);
}

/** One value: NULL, a text or bytes. @throws {DecodeError} */
export function parameter(value: unknown, path: string): Parameter {
  const json = new JsonObject(value, path);
  if (json.boolean("null")) return { type: "null" };
  if (json.has("text")) return { type: "text", value: json.string("text") };
  if (json.has("binary")) return { type: "binary", value: json.bytes("binary") };
  throw new DecodeError(`${path} has no value`);
}

function body(json: JsonObject, name: string): Content | undefined {
  if (!json.has(name)) return undefined;
  const value = json.object(name);
  if (value.has("text")) return { type: "text", value: value.string("text") };
  return value.has("binary") ? { type: "binary", value: value.bytes("binary") } : undefined;
}

function contentJson(content: Parameter): unknown {
  switch (content.type) {
    case "null":
      return { null: true };
    case "text":
      return { text: content.value };
    case "binary":
      return { binary: btoa(Array.from(content.value, (byte) => String.fromCharCode(byte)).join("")) };
  }
}

function typeOid(value: unknown, path: string): number {
  if (typeof value === "number" && Number.isSafeInteger(value)) return value;
  throw new DecodeError(`${path} is not a number`);
}

function connection(json: JsonObject): OwnConnection | undefined {
  if (!json.has("connection")) return undefined;
  const value = json.object("connection");
  return {
    ...{ id: value.string("id"), inTransaction: value.boolean("inTransaction") },
    settings: value.object("settings").stringMap(),
  };
}

function ownInput(json: JsonObject): OwnInput {
  return { connection: connection(json), streamed: json.boolean("streamed") };
}

function webRequest(json: JsonObject): Operations["http.request"] {
  return {
    ...{ method: json.string("method"), path: json.string("path"), headers: json.list("headers", header) },
    ...{ body: body(json, "body"), ...ownInput(json) },
  };
}

function webRequestJson({ method, path, headers, body: content }: Operations["http.request"]): object {
  return { method, path, headers, ...(content && { body: contentJson(content) }) };
}

function header(value: unknown, path: string): { readonly name: string; readonly value: string } {
  const json = new JsonObject(value, path);
  return { name: json.string("name"), value: json.string("value") };
}

function fileAttributes(json: JsonObject): FileAttributes {
  const number = (name: string) => json.optionalCount(name);
  return {
    ...{ size: number("size"), uid: number("uid"), gid: number("gid"), mode: number("mode") },
    ...{ accessed: number("accessed"), modified: number("modified") },
  };
}
