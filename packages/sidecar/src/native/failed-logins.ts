import type { AuditLog, RecordDraft } from "@countersign/audit";
import type { Principal } from "@countersign/policy";

/** A client that was not let in. What it claims is its own word. */
export interface FailedLogin {
  readonly protocol: "postgres" | "ssh" | "http" | "kubernetes";
  /** Which listener, by its configured address. */
  readonly listener: string;
  /** The client's address and port; `unix` for a Unix socket. */
  readonly from: string;
  /** Whom and what it named, in the protocol's own terms. Holds no secret. */
  readonly claims: Readonly<Record<string, string>>;
  /** What it would have proved that by. */
  readonly proof: "none" | "socket" | "certificate" | "token" | "key";
  /** Who it is, where the proof was good and something else was not. */
  readonly principal?: Principal;
  readonly why: string;
}

/** What recording takes. */
interface FailedLoginsParts {
  readonly audit: Pick<AuditLog, "append">;
  readonly writer: string;
  readonly now: () => number;
}

/** What a listener has recorded since its minute began, and what only counts. */
interface Minute {
  readonly method: string;
  readonly listener: string;
  recorded: number;
  unrecorded: number;
  readonly timer: NodeJS.Timeout;
}

const minuteMs = 60_000;
/** So many of one listener are recorded in a minute; of the rest their number: strangers must not fill a disk. */
const mostRecorded = 60;
const longestText = 100;

/** Records who was not let in. A log that cannot be written lets nobody in for that. */
export class FailedLogins {
  readonly #parts: FailedLoginsParts;
  readonly #minutes = new Map<string, Minute>();
  readonly #writing = new Set<Promise<unknown>>();

  constructor(parts: FailedLoginsParts) {
    this.#parts = parts;
  }

  /** Records one, or counts it. */
  note(login: FailedLogin): void {
    const { protocol: method, listener, from, claims, proof, principal, why } = login;
    const minute = this.#minuteOf(method, listener);
    if (minute.recorded === mostRecorded) {
      minute.unrecorded++;
      return;
    }
    minute.recorded++;
    const claimed = Object.fromEntries(Object.entries(claims).map(([name, value]) => [name, shown(value)]));
    const detail = { accepted: false, method, listener, from, claims: claimed, proof, why: shown(why, 4 * longestText) };
    this.#append({ detail, ...(principal && { principal: named(principal) }) });
  }

  /** Records what only counted so far. */
  async close(): Promise<void> {
    for (const name of [...this.#minutes.keys()]) this.#end(name);
    await Promise.all(this.#writing);
  }

  #minuteOf(method: string, listener: string): Minute {
    const name = JSON.stringify([method, listener]);
    const known = this.#minutes.get(name);
    if (known !== undefined) return known;
    const minute = { method, listener, recorded: 0, unrecorded: 0, timer: setTimeout(() => this.#end(name), minuteMs).unref() };
    this.#minutes.set(name, minute);
    return minute;
  }

  #end(name: string): void {
    const minute = this.#minutes.get(name);
    if (minute === undefined) return;
    clearTimeout(minute.timer);
    this.#minutes.delete(name);
    const { method, listener, unrecorded } = minute;
    if (unrecorded > 0) this.#append({ detail: { accepted: false, method, listener, unrecorded } });
  }

  #append(record: Pick<RecordDraft, "detail" | "principal">): void {
    const { audit, writer, now } = this.#parts;
    const done = audit
      .append(writer, [{ type: "sign-in", timeMs: now(), ...record }], "handed-over")
      .catch(() => {})
      .finally(() => this.#writing.delete(done));
    this.#writing.add(done);
  }
}

function named({ issuer, subject, groups }: Principal) {
  return { issuer, subject, groups };
}

/** What strangers send, cut and well formed; a token that was given as a name is not kept. */
function shown(text: string, most = longestText): string {
  return text
    .replace(/eyJ[\w-]{5,}[\w.-]*/g, "[token]")
    .slice(0, most)
    .toWellFormed();
}
