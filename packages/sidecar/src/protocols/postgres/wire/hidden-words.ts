import type { TransactionStatus } from "../exchange.ts";
import type { Expected } from "./expected.ts";
import type { Running } from "./running.ts";
import { type Complaint, complaintMessage, fieldOf } from "./server-message.ts";

/** What a server says of a statement that touches masked columns may quote their values. */
export class HiddenWords {
  /** Something has changed what is masked: what is deferred to the end of its transaction speaks of it. */
  #deferred = false;

  /** A statement is complete. */
  completed({ masked, readOnly }: Running): void {
    if (masked?.hidesWords === true && !readOnly) this.#deferred = true;
  }

  ready(status: TransactionStatus): void {
    if (status === "I") this.#deferred = false;
  }

  /** What the client gets in the place of an ErrorResponse or NoticeResponse; undefined = its own words. */
  inPlaceOf(frame: Buffer, entry: Expected | undefined): Buffer | undefined {
    if (!this.#deferred && !mayQuote(entry)) return undefined;
    const severity = severities[fieldOf(frame, "V") ?? fieldOf(frame, "S") ?? ""] ?? "NOTICE";
    const sqlstate = fieldOf(frame, "C") ?? "XX000";
    return complaintMessage({ severity, sqlstate, message: words });
  }
}

/** A Bind is planned, which may run functions. */
function mayQuote(entry: Expected | undefined): boolean {
  const running = entry?.running ?? (entry?.defines?.of === "portal" ? entry.defines.running : undefined);
  return running?.masked?.hidesWords === true;
}

const severities: Readonly<Record<string, Complaint["severity"]>> = {
  PANIC: "FATAL",
  FATAL: "FATAL",
  ERROR: "ERROR",
  WARNING: "WARNING",
};

const words = "Countersign: the database's words are not shown, because the policy masks columns of what they are about";
