import type { SshExec, SshSubsystem } from "../action.ts";
import type { Protocol } from "./fact.ts";
import { type SshFacts, sshFacts } from "./ssh/definition.ts";

/** A command line's facts, and those of each of its commands alone where there are several. */
export interface ClassifiedCommand {
  readonly facts: SshFacts;
  readonly parts?: readonly SshFacts[];
}

/** Classifies what an SSH client asks for. */
export function classifySsh(operation: SshExec | SshSubsystem): ClassifiedCommand {
  return { facts: Object.freeze({ opaque: true, doubts: Object.freeze([`${operation.kind} is not classified`]) }) };
}

/** SSH to rules. */
export const ssh: Protocol<SshFacts> = {
  variable: "ssh",
  table: sshFacts,
  summary: () => "a command",
  readOnly: () => false,
};
