import type { KeyObject } from "node:crypto";
import { type Approver, CountersignError } from "@countersign/policy";
import { jwtVerify } from "jose";
import { approverAudience, developmentIssuer } from "./development-issuer.ts";

/** An approver as the configuration names them. */
export interface ConfiguredApprover {
  readonly name: string;
  readonly groups: readonly string[];
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

/** The people who may approve. Their groups come from the configuration, whatever a token says. */
export class Approvers {
  readonly #byName: ReadonlyMap<string, Approver>;

  constructor(configured: readonly ConfiguredApprover[]) {
    this.#byName = new Map(
      configured.map(({ name, groups }) => [
        name,
        { issuer: developmentIssuer, subject: name, groups: [...new Set(groups)].sort() },
      ]),
    );
  }

  get(name: string): Approver | undefined {
    return this.#byName.get(name);
  }
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
  return {
    async verify(token) {
      if (token.length > longestToken || !isCanonical(token)) throw unauthenticated("The token is not a JWT.");
      const nowMs = now();
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
      const { sub, aud, iat, exp } = payload;
      // A token for several audiences could be one that an agent holds.
      if (aud !== approverAudience) throw unauthenticated("The token is for more than approvers.");
      if (iat === undefined || iat * 1000 > nowMs + clockSkewSeconds * 1000) {
        throw unauthenticated("The token was issued in the future. Check the clocks.");
      }
      const approver = sub === undefined ? undefined : approvers.get(sub);
      if (approver === undefined) throw unauthenticated("The token's subject is not one of the configured approvers.");
      return { approver, expiresMs: (exp ?? 0) * 1000 };
    },
  };
}

/** Whether each part is base64url in its one canonical form: otherwise one token would have several spellings. */
function isCanonical(token: string): boolean {
  const parts = token.split(".");
  return parts.length === 3 && parts.every((part) => Buffer.from(part, "base64url").toString("base64url") === part);
}

function unauthenticated(message: string, cause?: unknown): CountersignError {
  return new CountersignError("unauthenticated", message, cause === undefined ? {} : { cause });
}
