import type { Content, Kind, Operation, OperationOf, Operations } from "../api/operation.ts";

/** A part of an operation that a person can write anew. */
interface EditableField<Edited> {
  readonly label: string;
  /** Undefined for what is not there, and for bytes. */
  readonly get: (operation: Edited) => string | undefined;
  readonly set: (operation: Edited, text: string) => Edited;
}

type Fields = { readonly [K in Kind]: readonly EditableField<OperationOf[K]>[] };

const fields: Fields = {
  "postgres.query": [
    { label: "Statement", get: ({ statement }) => statement, set: (operation, statement) => ({ ...operation, statement }) },
  ],
  "ssh.exec": [
    { label: "Command", get: ({ command }) => command, set: (operation, command) => ({ ...operation, command }) },
    { label: "Standard input", get: ({ stdin }) => textOf(stdin), set: (operation, one) => ({ ...operation, stdin: text(one) }) },
  ],
  "ssh.file": [
    { label: "Path", get: ({ path }) => path, set: (operation, path) => ({ ...operation, path }) },
    { label: "To", get: ({ to }) => to, set: (operation, to) => ({ ...operation, to }) },
    { label: "Content", get: ({ content }) => textOf(content), set: (operation, one) => ({ ...operation, content: text(one) }) },
  ],
  "ssh.subsystem": [
    { label: "Subsystem", get: ({ subsystem }) => subsystem, set: (operation, subsystem) => ({ ...operation, subsystem }) },
  ],
  "kubernetes.request": requestFields(),
  "http.request": requestFields(),
  "mcp.call": [
    {
      label: "Arguments",
      get: ({ argumentsJson }) => argumentsJson,
      set: (operation, argumentsJson) => ({ ...operation, argumentsJson }),
    },
  ],
};

/** A field of an operation at hand. */
export interface Field {
  readonly label: string;
  readonly text: string;
  readonly set: (text: string) => Operation;
}

/** What of an operation can be written anew: what it has of text. */
export function fieldsOf(operation: Operation): readonly Field[] {
  return presentFields(operation.kind, operation);
}

function presentFields<K extends Kind>(kind: K, operation: OperationOf[K]): readonly Field[] {
  const known: readonly EditableField<OperationOf[K]>[] = fields[kind];
  return known.flatMap(({ label, get, set }) => {
    const value = get(operation);
    return value === undefined ? [] : [{ label, text: value, set: (one) => set(operation, one) }];
  });
}

function requestFields<Request extends Operations["http.request"]>(): readonly EditableField<Request>[] {
  return [
    { label: "Method", get: ({ method }) => method, set: (operation, method) => ({ ...operation, method }) },
    { label: "Path and query", get: ({ path }) => path, set: (operation, path) => ({ ...operation, path }) },
    { label: "Body", get: ({ body }) => textOf(body), set: (operation, one) => ({ ...operation, body: text(one) }) },
  ];
}

function textOf(content: Content | undefined): string | undefined {
  return content?.type === "text" ? content.value : undefined;
}

function text(value: string): Content {
  return { type: "text", value };
}
