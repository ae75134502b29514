import type { Content, Kind, Operation, Operations, OwnInput, Parameter } from "../api/operation.ts";

/** One value with its name. */
export interface NamedValue {
  readonly name: string;
  readonly content: Parameter;
}

/** A part of an operation as a person reads it. */
export type Part = {
  /** E.g. `Statement`; parts of one operation have different names. */
  readonly name: string;
} & (
  | { readonly type: "block"; readonly content: Content; readonly syntax?: "sql" | "json" }
  | { readonly type: "values"; readonly values: readonly NamedValue[]; readonly forms?: true }
  | { readonly type: "note"; readonly text: string }
);

/** All of each kind of operation: what no part shows is not in it. The first part is the most telling one. */
const partsOf: { readonly [K in Kind]: (operation: Operations[K]) => readonly Part[] } = {
  "postgres.query": ({ statement, parameters, types, input, runs, connection }) => [
    { name: "Statement", type: "block", content: text(statement), syntax: "sql" },
    { name: "Parameters", type: "values", values: parameters.map(numbered), forms: true },
    ...(types.length > 0 ? [{ name: "Types of the parameters", type: "note", text: types.join(", ") } as const] : []),
    ...block("Data", input),
    ...(runs
      ? [
          values(
            "What its EXECUTE and FETCH run",
            runs.map((one, index) => value(String(index + 1), one)),
          ),
        ]
      : []),
    ...ownParts({ connection, streamed: false }),
  ],
  "ssh.exec": ({ command, tty, stdin, ...own }) => [
    { name: "Command", type: "block", content: text(command) },
    ...(tty ? [{ name: "Terminal", type: "note", text: "asked for" } as const] : []),
    ...block("Standard input", stdin),
    ...ownParts(own),
  ],
  "ssh.file": ({ action, path, to, content, attributes, ...own }) => [
    values("File", [value("action", action), value("path", path), ...(to === undefined ? [] : [value("to", to)])]),
    ...(attributes ? [values("Attributes", attributeValues(attributes))] : []),
    ...block("Content", content),
    ...ownParts(own),
  ],
  "ssh.subsystem": ({ subsystem, ...own }) => [
    values("Subsystem", [value("name", subsystem)]),
    ...(subsystem === "terminal-session" ? [terminalNote] : []),
    ...(subsystem === "guarded-shell" ? [shellNote] : []),
    ...ownParts(own),
  ],
  "kubernetes.request": ({ uid, ...operation }) => [
    ...requestParts(operation),
    ...(uid === "" ? [] : [values("Object", [value("uid", uid)])]),
  ],
  "http.request": requestParts,
  "mcp.call": ({ server, tool, argumentsJson, schemaJson }) => [
    values("Tool", [value("server", server), value("name", tool)]),
    { name: "Arguments", type: "block", content: text(argumentsJson), syntax: "json" },
    ...(schemaJson === "" ? [] : [{ name: "Input schema", type: "block", content: text(schemaJson), syntax: "json" } as const]),
  ],
};

/** All of an operation, part by part. */
export function operationParts(operation: Operation): readonly Part[] {
  return partsFor(operation.kind, operation);
}

/** The most telling part of an operation as one text, where the others are shown elsewhere. */
export function firstText(operation: Operation): string {
  const [first] = operationParts(operation);
  if (first?.type === "block" && first.content.type === "text") return first.content.value;
  if (first?.type !== "values") return "";
  return first.values.map(({ name, content }) => `${name}: ${content.type === "text" ? content.value : ""}`).join("\n");
}

function partsFor<K extends Kind>(kind: K, operation: Operations[K]): readonly Part[] {
  return partsOf[kind](operation);
}

function requestParts({ method, path, headers, body, ...own }: Operations["http.request"]): readonly Part[] {
  return [
    { name: "Request", type: "block", content: text(`${method} ${path}`) },
    ...(headers.length > 0
      ? [
          values(
            "Headers",
            headers.map((one) => value(one.name, one.value)),
          ),
        ]
      : []),
    ...block("Body", body, "json"),
    ...ownParts(own),
  ];
}

const shellNote = {
  name: "Guarded shell",
  type: "note",
  text: "an interactive login that runs nothing by itself: each of its lines is asked about as a command of its own",
} as const;

const terminalNote: Part = {
  ...{ name: "Terminal", type: "note" },
  text: "the target's own shell: whatever is typed in it runs without being asked about; it is recorded and can be cut",
};

function ownParts({ connection, streamed }: OwnInput): readonly Part[] {
  const parts: Part[] = [];
  if (streamed) {
    const unseen = "What its client sends while it runs goes to the target as it comes. It is not known, and nobody sees it.";
    parts.push({ name: "Input", type: "note", text: unseen });
  }
  if (connection === undefined) return parts;
  const open = connection.inTransaction ? ", in a transaction that is open" : "";
  parts.push({ name: "Connection", type: "note", text: `Its client's own, ${connection.id}${open}.` });
  const settings = Object.entries(connection.settings).map(([name, one]) => value(name, one));
  return settings.length > 0 ? [...parts, values("Settings of the connection", settings)] : parts;
}

function block(name: string, content: Content | undefined, syntax?: "json"): readonly Part[] {
  return content === undefined ? [] : [{ name, type: "block", content, ...(syntax && { syntax }) }];
}

function values(name: string, list: readonly NamedValue[]): Part {
  return { name, type: "values", values: list };
}

function numbered(content: Parameter, index: number): NamedValue {
  return { name: `$${index + 1}`, content };
}

function value(name: string, one: string): NamedValue {
  return { name, content: text(one) };
}

function text(one: string): Content {
  return { type: "text", value: one };
}

function attributeValues(attributes: NonNullable<Operations["ssh.file"]["attributes"]>): readonly NamedValue[] {
  return Object.entries(attributes).flatMap(([name, number]) =>
    number === undefined ? [] : [value(name, attributeText(name, number))],
  );
}

function attributeText(name: string, number: number): string {
  if (name === "mode") return `0${number.toString(8)}`;
  const time = name === "accessed" || name === "modified" ? new Date(1000 * number) : undefined;
  return time && Number.isFinite(time.getTime()) ? `${number} (${time.toISOString()})` : String(number);
}
