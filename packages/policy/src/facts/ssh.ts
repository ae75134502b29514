import { LRUCache } from "lru-cache";
import type { SshExec, SshSubsystem } from "../action.ts";
import { CountersignError } from "../outcome.ts";
import type { Protocol } from "./fact.ts";
import { type ClassifiedCommand, classifySubsystem, classifyText } from "./ssh/classify.ts";
import { type SshFacts, sshFacts } from "./ssh/definition.ts";

/** SSH to rules. */
export const ssh: Protocol<SshFacts> = {
  variable: "ssh",
  table: sshFacts,
  summary: ({ programs, subsystem }) => {
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
export function classifySsh(operation: SshExec | SshSubsystem): ClassifiedCommand {
  if (operation.kind === "ssh.subsystem") {
    if (!/^[\w.@+-]{1,64}$/.test(operation.subsystem)) {
      throw new CountersignError("invalid_operation", "The name of the subsystem is not one. It is a word such as sftp.");
    }
    return { facts: classifySubsystem(operation.subsystem) };
  }
  const { command, tty = false } = operation;
  checkText(command);
  const key = `${tty ? "t" : "n"}${command}`;
  let classified = seen.get(key);
  if (!classified) {
    classified = Object.freeze(classifyText(command, tty));
    seen.set(key, classified);
  }
  return classified;
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

/** What a rule must mean, not sweep in: a file that is written, what is read, a folder that was chosen, a terminal, another user or host. */
function* mustName({ redirects, directory, piped, readOnly, tty, elevated, network, opaque }: SshFacts): Generator<string> {
  // A rule that takes what nobody understands has said that it takes anything.
  if (opaque) return;
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
