import { type FileAttributes, guardedShell, sshFileActions, terminalSession } from "../action.ts";
import { CountersignError } from "../outcome.ts";
import { bodyMessage, readBodyMessage } from "./body.ts";
import type { NamedValue, OperationKind } from "./kind.ts";
import { ownInputMessage, ownInputParts, readOwnInput } from "./own-input.ts";

/** A command line. */
export const sshExec: OperationKind<"ssh.exec"> = {
  write: ({ command, tty = false, stdin, ...own }) => ({
    $case: "sshExec",
    value: { command, tty, stdin: bodyMessage(stdin), ...ownInputMessage(own) },
  }),
  read({ command, tty, stdin: given, ...own }) {
    const stdin = readBodyMessage(given);
    return { kind: "ssh.exec", command, ...(tty ? { tty } : {}), ...(stdin && { stdin }), ...readOwnInput(own) };
  },
  text: ({ command }) => command,
  parts: ({ command, tty, stdin, ...own }) => [
    { name: "Command", type: "block", content: { text: command }, syntax: "shell" },
    ...(tty ? [{ name: "Terminal", type: "note", text: "asked for" } as const] : []),
    ...(stdin ? [{ name: "Standard input", type: "block", content: stdin, syntax: "text" } as const] : []),
    ...ownInputParts(own),
  ],
};

/** One thing done with one file. */
export const sshFile: OperationKind<"ssh.file"> = {
  write: ({ action, path, to, content, attributes, ...own }) => ({
    $case: "sshFile",
    value: {
      ...{ action, path, to, content: bodyMessage(content) },
      ...{ attributes: attributes && { ...attributes }, ...ownInputMessage(own) },
    },
  }),
  read({ action: given, path, to, content: body, attributes, ...own }) {
    const action = sshFileActions.find((one) => one === given);
    if (action === undefined)
      throw new CountersignError("invalid_request", `The file operation's \`action\` is none of ${sshFileActions.join(", ")}.`);
    const content = readBodyMessage(body);
    return {
      ...{ kind: "ssh.file", action, path },
      ...(to === undefined ? {} : { to }),
      ...(content && { content }),
      ...(attributes && { attributes: givenAttributes(attributes) }),
      ...readOwnInput(own),
    };
  },
  text: ({ action, path, to }) => [action, path, ...(to === undefined ? [] : [to])].join(" "),
  parts: ({ action, path, to, content, attributes, ...own }) => [
    {
      ...{ name: "File", type: "values" },
      values: [value("action", action), value("path", path), ...(to === undefined ? [] : [value("to", to)])],
    },
    ...(attributes ? [{ name: "Attributes", type: "values", values: attributeValues(attributes) } as const] : []),
    ...(content ? [{ name: "Content", type: "block", content, syntax: "text" } as const] : []),
    ...ownInputParts(own),
  ],
};

const attributeNames = [
  "size",
  "uid",
  "gid",
  "mode",
  "accessed",
  "modified",
] as const satisfies readonly (keyof FileAttributes)[];

function givenAttributes(message: { readonly [Name in keyof FileAttributes]?: number | undefined }): FileAttributes {
  return Object.fromEntries(attributeNames.flatMap((name) => (message[name] === undefined ? [] : [[name, message[name]]])));
}

function attributeValues(attributes: FileAttributes): readonly NamedValue[] {
  return attributeNames.flatMap((name) => {
    const given = attributes[name];
    return given === undefined ? [] : [value(name, attributeText(name, given))];
  });
}

function value(name: string, text: string): NamedValue {
  return { name, content: { text } };
}

function attributeText(name: keyof FileAttributes, given: number): string {
  if (name === "mode") return `0${given.toString(8)}`;
  const time = name === "accessed" || name === "modified" ? new Date(1000 * given) : undefined;
  return time && Number.isFinite(time.getTime()) ? `${given} (${time.toISOString()})` : String(given);
}

const terminalWords =
  "the target's own shell: whatever is typed in it runs without being asked about; it is recorded and can be cut";

const shellWords = "an interactive login that runs nothing by itself: each of its lines is asked about as a command of its own";

/** A subsystem. */
export const sshSubsystem: OperationKind<"ssh.subsystem"> = {
  write: ({ subsystem, ...own }) => ({ $case: "sshSubsystem", value: { subsystem, ...ownInputMessage(own) } }),
  read: ({ subsystem, ...own }) => ({ kind: "ssh.subsystem", subsystem, ...readOwnInput(own) }),
  text: ({ subsystem }) =>
    subsystem === terminalSession ? "terminal session" : subsystem === guardedShell ? "guarded shell" : `subsystem ${subsystem}`,
  parts: ({ subsystem, ...own }) => [
    { name: "Subsystem", type: "values", values: [value("name", subsystem)] },
    ...(subsystem === terminalSession ? [{ name: "Terminal", type: "note", text: terminalWords } as const] : []),
    ...(subsystem === guardedShell ? [{ name: "Guarded shell", type: "note", text: shellWords } as const] : []),
    ...ownInputParts(own),
  ],
};
