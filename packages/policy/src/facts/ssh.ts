import { LRUCache } from "lru-cache";
import { type SshExec, type SshFile, type SshSubsystem, terminalSession } from "../action.ts";
import { CountersignError } from "../outcome.ts";
import type { Protocol } from "./fact.ts";
import { type ClassifiedCommand, classifyFile, classifySubsystem, classifyText, withInput } from "./ssh/classify.ts";
import { type SshFacts, sshFacts } from "./ssh/definition.ts";

/** SSH to rules. */
export const ssh: Protocol<SshFacts> = {
  variable: "ssh",
  table: sshFacts,
  summary: ({ programs, subsystem, file }) => {
    if (file !== "") return `${file} of a file`;
    if (subsystem === terminalSession) return "a terminal session";
    if (subsystem !== "") return `the subsystem ${subsystem}`;
    const names = programs.slice(0, 5).join(", ").slice(0, 100);
    return names === "" ? "a command line" : `${names}${programs.length > 5 ? " …" : ""}`;
  },
  readOnly: ({ readOnly, opaque }) => readOnly && !opaque,
  mustName: (facts) => [...mustName(facts)],
};

/** In UTF-8 bytes. Linux itself passes no argument of more than 128 KiB. */
const maxCommandBytes = 32 * 1024;

/** Seen command lines; at most some 16 MB of text. */
const seen = new LRUCache<string, ClassifiedCommand>({
  max: 10_000,
  maxSize: 16 * 1024 * 1024,
  // Held in the key, in the facts and, cut up, in their lists, at up to two bytes a character.
  sizeCalculation: (_, key) => 8 * key.length + 1000,
});

/**
 * What an SSH client asks for would do.
 *
 * @throws {CountersignError} as `classify`.
 */
export function classifySsh(operation: SshExec | SshFile | SshSubsystem): ClassifiedCommand {
  if (operation.kind === "ssh.file") {
    checkFile(operation);
    return { facts: classifyFile(operation) };
  }
  if (operation.kind === "ssh.subsystem") {
    if (!/^[\w.@+-]{1,64}$/.test(operation.subsystem)) {
      throw new CountersignError("invalid_operation", "The name of the subsystem is not one. It is a word such as sftp.");
    }
    return { facts: classifySubsystem(operation.subsystem, operation.streamed === true) };
  }
  const { command, tty = false, stdin, streamed } = operation;
  if (stdin !== undefined && streamed)
    throw new CountersignError("invalid_operation", "The standard input is captured or streamed, not both.");
  checkText(command);
  const key = `${tty ? "t" : "n"}${command}`;
  let classified = seen.get(key);
  if (!classified) {
    classified = Object.freeze(classifyText(command, tty));
    seen.set(key, classified);
  }
  if (streamed) return withInput(classified, "streamed");
  return stdin === undefined ? classified : withInput(classified, "captured");
}

/** Linux's own limit, bytes. */
const maxPathBytes = 4096;
/** Of one that sets nothing but what it is for. */
const needsTo = new Set<SshFile["action"]>(["rename", "link", "symlink"]);
const takesContent = new Set<SshFile["action"]>(["write", "append"]);
const takesAttributes = new Set<SshFile["action"]>(["write", "append", "make-directory", "set-attributes"]);

function checkFile({ action, path, to, content, attributes, streamed }: SshFile): void {
  const refuse = (message: string): never => {
    throw new CountersignError("invalid_operation", message);
  };
  for (const name of to === undefined ? [path] : [path, to]) {
    if (name === "" || name.includes("\0") || !name.isWellFormed())
      refuse("A path is empty, or holds a NUL or half of a surrogate pair.");
    if (Buffer.byteLength(name) > maxPathBytes)
      throw new CountersignError("operation_too_large", `A path is longer than ${maxPathBytes} bytes.`);
  }
  // What is not needed would be approved and not done.
  if (needsTo.has(action) !== (to !== undefined))
    refuse(`${action} ${to === undefined ? "needs `to`, the other path" : "takes no `to`"}.`);
  if (takesContent.has(action) !== (content !== undefined || streamed === true))
    refuse(`${action} ${takesContent.has(action) ? "needs `content`" : "takes no `content`"}.`);
  if (content !== undefined && streamed) refuse("The content is captured or streamed, not both.");
  if (attributes !== undefined && !takesAttributes.has(action)) refuse(`${action} takes no \`attributes\`.`);
  if (action === "set-attributes" && Object.keys(attributes ?? {}).length === 0) refuse("set-attributes needs `attributes`.");
  const { uid, gid, accessed, modified } = attributes ?? {};
  // SFTP sets them in pairs (draft-ietf-secsh-filexfer-02 §5).
  if ((uid === undefined) !== (gid === undefined)) refuse("SFTP sets `uid` and `gid` together.");
  if ((accessed === undefined) !== (modified === undefined)) refuse("SFTP sets `accessed` and `modified` together.");
}

function checkText(command: string): void {
  if (command.length > maxCommandBytes || Buffer.byteLength(command) > maxCommandBytes) {
    throw new CountersignError(
      "operation_too_large",
      `The command line is larger than ${maxCommandBytes} bytes. Put it into a file on the target, or split it.`,
    );
  }
  if (command.includes("\0"))
    throw new CountersignError("invalid_operation", "The command line holds a NUL byte, at which shells stop reading.");
  if (!command.isWellFormed())
    throw new CountersignError("invalid_operation", "The command line holds a lone surrogate. Send well-formed Unicode text.");
}

/** What a rule must mean, not sweep in: a file that is written, what is read, a folder that was chosen, a terminal, another user or host; a file operation, which has no programs that a rule could forbid. */
function* mustName(facts: SshFacts): Generator<string> {
  const { redirects, directory, piped, readOnly, tty, elevated, network, opaque, file, stdin, subsystem } = facts;
  // Also where anything is taken: what is written to a file is not in its facts.
  if (file !== "") yield "file";
  if (subsystem !== "") yield "subsystem";
  // A rule that takes what nobody understands has said that it takes anything.
  if (opaque) return;
  if (!readOnly && (file === "" ? stdin !== "none" : stdin === "streamed")) yield "stdin";
  if (redirects.some((redirect) => isWrite(redirect) || (!readOnly && /^[0-9]?< /.test(redirect)))) yield "redirects";
  if (!readOnly && directory !== "") yield "directory";
  if (!readOnly && piped) yield "piped";
  if (!readOnly && tty) yield "tty";
  if (elevated) yield "elevated";
  if (readOnly && network) yield "network";
}

function isWrite(redirect: string): boolean {
  return /^[0-9]?>>? (?!\/dev\/null$)/.test(redirect);
}
