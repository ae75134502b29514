import type { RecordDraft } from "@countersign/audit";
import type { Digest, Principal } from "@countersign/policy";
import type { TerminalSize } from "./cast.ts";

/** What a recorded session is. */
export interface SessionAbout {
  /** The request or call that it is the work of, or an id of its own. Nothing else that is recorded as a session has it. */
  readonly id: string;
  /** `terminal`: the target's own shell; `shell`: the guarded one; `exec`: a command with a terminal. */
  readonly kind: "terminal" | "shell" | "exec";
  readonly principal: Pick<Principal, "issuer" | "subject" | "groups">;
  readonly resource: string;
  readonly role: string;
  readonly action?: Digest;
  readonly policy?: Digest;
  /** For people; text of others. */
  readonly title: string;
  readonly size: TerminalSize;
}

/** Why a session ended. */
export type SessionEndReason =
  /** By itself. */
  | "exited"
  /** Its client went away. */
  | "left"
  /** Its caller took it back. */
  | "cancelled"
  /** An approver or operator cut it. */
  | "revoked"
  /** A limit of the policy. */
  | "limit"
  /** The connection to the target broke. */
  | "lost"
  /** What happened in it could not be recorded any more. */
  | "audit"
  /** The sidecar was told to stop. */
  | "shutdown"
  /** It could not be begun. */
  | "failed"
  /** The sidecar died. */
  | "unknown";

/** How a session ended. */
export interface SessionEnd {
  readonly reason: SessionEndReason;
  /** One sentence for people. Holds nothing of the session. */
  readonly message: string;
}

/** What the last record of a session sums up. */
export interface SessionSum {
  readonly durationMs: number;
  /** Bytes as they came, before they became text. */
  readonly output: number;
  readonly input: number;
  readonly parts: number;
  /** Of the whole recording: the payloads of `session.started` and of each part, in order; the file that `countersign replay --output` writes. */
  readonly recording: Digest;
}

/** A session begins. Its payload is the header of the recording. */
export function startedRecord(about: SessionAbout, timeMs: number, header: string): RecordDraft {
  const { kind, role, size } = about;
  return {
    ...base(about, timeMs),
    type: "session.started",
    detail: { kind, role, columns: size.columns, rows: size.rows },
    payload: Buffer.from(header),
  };
}

/** The next part of it, from 1: whole lines. @param fromMs Since it began, of its first line. */
export function partRecord(
  about: SessionAbout,
  timeMs: number,
  part: { readonly number: number; readonly fromMs: number; readonly lines: Buffer },
): RecordDraft {
  const { number, fromMs, lines } = part;
  return {
    ...base(about, timeMs),
    type: "session.part",
    detail: { part: number, fromMs: Math.round(fromMs) },
    payload: lines,
  };
}

/** It has ended; nothing follows. */
export function endedRecord(about: SessionAbout, timeMs: number, { reason, message }: SessionEnd, sum: SessionSum): RecordDraft {
  const { durationMs, output, input, parts, recording } = sum;
  return {
    ...base(about, timeMs),
    type: "session.ended",
    detail: { reason, message, durationMs: Math.round(durationMs), output, input, parts, recording },
  };
}

function base({ id, principal, resource, action, policy }: SessionAbout, timeMs: number) {
  const { issuer, subject, groups } = principal;
  return {
    ...{ timeMs, request: id, principal: { issuer, subject, groups }, resource },
    ...(action !== undefined && { action }),
    ...(policy !== undefined && { policy }),
  };
}
