import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import type { Approver } from "@countersign/policy";
import type { ApproverSession, Approvers } from "../identity.ts";

const tokenBytes = 32;
/** How long a sign-in link is good, milliseconds. */
const linkMs = 10 * 60_000;
/** How long a session lasts, milliseconds. */
export const sessionMs = 12 * 3_600_000;
/** Failed sign-ins in {@link attemptWindowMs} before all are refused for a while. */
const attempts = 10;
const attemptWindowMs = 60_000;
/** More than so many at once are not kept; the oldest goes. */
const most = 1_000;

/** What a token stands for. Only its hash is kept: who reads this process's memory or a core dump finds no usable token. */
interface Held {
  readonly hash: Buffer;
  readonly name: string;
  readonly expiresMs: number;
}

/** Tokens of one kind, in memory, each good until its time. */
class HeldTokens {
  readonly #now: () => number;
  #held: Held[] = [];

  constructor(now: () => number) {
    this.#now = now;
  }

  issue(name: string, lifetimeMs: number): string {
    const token = randomBytes(tokenBytes).toString("base64url");
    this.#drop((one) => one.expiresMs <= this.#now());
    this.#held.push({ hash: hashOf(token), name, expiresMs: this.#now() + lifetimeMs });
    if (this.#held.length > most) this.#held.shift();
    return token;
  }

  /** Every held hash is compared in constant time, so that the time of the answer tells nothing. */
  find(token: string): Held | undefined {
    const hash = hashOf(token);
    let found: Held | undefined;
    for (const one of this.#held) if (timingSafeEqual(one.hash, hash)) found = one;
    return found !== undefined && found.expiresMs > this.#now() ? found : undefined;
  }

  /** Takes a token back; false when it was not held. */
  take(token: string): boolean {
    const found = this.find(token);
    this.#drop((one) => one === found);
    return found !== undefined;
  }

  #drop(which: (one: Held) => boolean): void {
    this.#held = this.#held.filter((one) => !which(one));
  }
}

/** How a browser proves who uses it: a one-time link signs in, a session cookie stays. Both end with the process. */
export class SignIn {
  readonly #approvers: Approvers;
  readonly #now: () => number;
  readonly #links: HeldTokens;
  readonly #sessions: HeldTokens;
  #failedMs: number[] = [];

  constructor(approvers: Approvers, now: () => number) {
    this.#approvers = approvers;
    this.#now = now;
    this.#links = new HeldTokens(now);
    this.#sessions = new HeldTokens(now);
  }

  /**
   * A token for a sign-in link: one use, 10 minutes.
   *
   * @throws {RangeError} for a name that the configuration does not have.
   */
  link(name: string): string {
    if (this.#approvers.get(name) === undefined) throw new RangeError(`There is no approver ${name} in the configuration.`);
    return this.#links.issue(name, linkMs);
  }

  /** Whether there were too many failed attempts of late; then none is looked at. */
  get blocked(): boolean {
    const since = this.#now() - attemptWindowMs;
    this.#failedMs = this.#failedMs.filter((ms) => ms > since);
    return this.#failedMs.length >= attempts;
  }

  /** Uses up a link's token. Gives who it is for; undefined when it is wrong, used or too old. */
  redeem(token: string): Approver | undefined {
    const held = this.#links.find(token);
    if (held === undefined || !this.#links.take(token)) {
      this.#failedMs.push(this.#now());
      return undefined;
    }
    return this.#approvers.get(held.name);
  }

  /** Begins a session; gives the cookie's value. */
  begin(approver: Approver): string {
    return this.#sessions.issue(approver.subject, sessionMs);
  }

  /** Whose session a cookie is; undefined when it has ended. */
  session(cookie: string): ApproverSession | undefined {
    const held = this.#sessions.find(cookie);
    const approver = held && this.#approvers.get(held.name);
    return approver && { approver, expiresMs: held.expiresMs };
  }

  end(cookie: string): void {
    this.#sessions.take(cookie);
  }
}

function hashOf(token: string): Buffer {
  return createHash("sha256").update(token).digest();
}
