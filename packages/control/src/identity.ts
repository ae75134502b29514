import { hash, type KeyObject } from "node:crypto";
import { type Approver, CountersignError, type Voter } from "@countersign/policy";
import { jwtVerify } from "jose";
import { approverAudience, developmentIssuer } from "./development-issuer.ts";
import type { Directory } from "./directory.ts";

/** An approver as the configuration names them. */
export interface ConfiguredApprover {
  readonly name: string;
  readonly groups: readonly string[];
  /** Other names that the same person signs in with, or is known by elsewhere. */
  readonly accounts?: readonly string[] | undefined;
}

/** An authenticated approver, and until when they are. */
export interface ApproverSession {
  readonly approver: Approver;
  /** Milliseconds since the Unix epoch. */
  readonly expiresMs: number;
}

/** Longer tokens are refused unread. */
const longestToken = 8 * 1024;
const clockSkewSeconds = 60;
/** How many tokens are remembered. */
const mostTokens = 256;

/** The people who may approve. Their groups come from the configuration, whatever a token says. */
export class Approvers implements Directory {
  readonly #people: readonly Voter[];
  readonly #byName: ReadonlyMap<string, Voter>;

  /** @throws {RangeError} for a name that belongs to two people: one of them could vote as the other. */
  constructor(configured: readonly ConfiguredApprover[]) {
    this.#people = configured.map(personOf);
    const byName = new Map<string, Voter>();
    for (const person of this.#people) {
      for (const name of person.accounts ?? [person.subject]) {
        if (byName.has(name)) throw new RangeError(`The name ${name} belongs to two approvers.`);
        byName.set(name, person);
      }
    }
    this.#byName = byName;
  }

  /** Who signs in by a name: always the person, whichever of their accounts it is. */
  get(name: string): Approver | undefined {
    const person = this.person(name);
    return person && { issuer: developmentIssuer, ...person };
  }

  person(name: string): Voter | undefined {
    return this.#byName.get(name);
  }

  members(group: string): readonly Voter[] {
    return this.#people.filter(({ groups }) => groups.includes(group));
  }
}

function personOf({ name, groups, accounts = [] }: ConfiguredApprover): Voter {
  const names = [...new Set([name, ...accounts])];
  return { subject: name, groups: [...new Set(groups)].sort(), ...(names.length > 1 && { accounts: names }) };
}

/** Tells who a bearer token belongs to. */
export interface ApproverIdentity {
  /** @throws {CountersignError} `unauthenticated`. */
  verify(token: string): Promise<ApproverSession>;
}

/**
 * Approvers by tokens of the development issuer (JWT): EdDSA only, exact issuer and audience, `exp`, `iat` and `sub` required, at most 60 s of
 * clock skew, and a subject that the configuration names.
 */
export function developmentIdentity(approvers: Approvers, issuerKey: KeyObject, now: () => number): ApproverIdentity {
  // Tokens that were right, by their hash: a session asks many times with one. Of the checks only that of its end depends on the time of day
  // and can fail later, as time never goes back; who the subject is is looked up each time.
  const right = new Map<string, { readonly subject: string; readonly expiresMs: number }>();
  return {
    async verify(token) {
      if (token.length > longestToken || !isCanonical(token)) throw unauthenticated("The token is not a JWT.");
      const nowMs = now();
      const name = hash("sha256", token);
      const known = right.get(name);
      const { subject, expiresMs } = known !== undefined && nowMs < known.expiresMs ? known : await verified(token, nowMs);
      const approver = approvers.get(subject);
      if (approver === undefined) throw unauthenticated("The token's subject is not one of the configured approvers.");
      if (right.size >= mostTokens) right.clear();
      right.set(name, { subject, expiresMs });
      return { approver, expiresMs };
    },
  };

  async function verified(token: string, nowMs: number) {
    const { payload } = await jwtVerify(token, issuerKey, {
      algorithms: ["EdDSA"],
      issuer: developmentIssuer,
      audience: approverAudience,
      requiredClaims: ["exp", "iat", "sub"],
      clockTolerance: clockSkewSeconds,
      currentDate: new Date(nowMs),
      typ: "JWT",
    }).catch((cause: unknown) => {
      throw unauthenticated("The token is not valid here: it is forged, expired, or made for something else.", cause);
    });
    const { sub = "", aud, iat, exp = 0 } = payload;
    // A token for several audiences could be one that an agent holds.
    if (aud !== approverAudience) throw unauthenticated("The token is for more than approvers.");
    if (iat === undefined || iat * 1000 > nowMs + clockSkewSeconds * 1000) {
      throw unauthenticated("The token was issued in the future. Check the clocks.");
    }
    return { subject: sub, expiresMs: exp * 1000 };
  }
}

/** Whether each part is base64url in its one canonical form: otherwise one token would have several spellings. */
function isCanonical(token: string): boolean {
  const parts = token.split(".");
  return parts.length === 3 && parts.every((part) => Buffer.from(part, "base64url").toString("base64url") === part);
}

function unauthenticated(message: string, cause?: unknown): CountersignError {
  return new CountersignError("unauthenticated", message, cause === undefined ? {} : { cause });
}
