import type { KeyObject } from "node:crypto";
import { SignJWT } from "jose";

/** The `iss` of tokens that `countersign up` makes for one machine. */
export const developmentIssuer = "countersign-development";
/** The `aud` of agents' tokens. */
export const agentAudience = "countersign";
/** The `aud` of approvers' tokens. An agent's token is none, so that an agent cannot approve. */
export const approverAudience = "countersign-approver";

/** What a development token says. */
export interface DevelopmentToken {
  readonly subject: string;
  readonly audience: typeof agentAudience | typeof approverAudience;
  /** Milliseconds since the Unix epoch. */
  readonly nowMs: number;
  /** How long it is good, seconds. */
  readonly lifetimeSeconds: number;
  /** Further claims, e.g. `groups` of an agent. */
  readonly claims?: Readonly<Record<string, unknown>>;
}

/** Makes a token (JWT, EdDSA) of the development issuer. */
export function signDevelopmentToken(token: DevelopmentToken, key: KeyObject): Promise<string> {
  const issued = Math.floor(token.nowMs / 1000);
  return new SignJWT({ ...token.claims })
    .setProtectedHeader({ alg: "EdDSA", typ: "JWT" })
    .setIssuer(developmentIssuer)
    .setSubject(token.subject)
    .setAudience(token.audience)
    .setIssuedAt(issued)
    .setExpirationTime(issued + token.lifetimeSeconds)
    .sign(key);
}
