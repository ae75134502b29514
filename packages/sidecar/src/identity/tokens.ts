import { hash } from "node:crypto";
import { CountersignError, type Json, type Principal } from "@countersign/policy";
import { createRemoteJWKSet, decodeJwt, decodeProtectedHeader, errors, type JWTVerifyGetKey, jwtVerify } from "jose";
import { LRUCache } from "lru-cache";
import { discoverJwksUrl } from "./discovery.ts";

/** An OIDC issuer whose tokens name agents. */
export interface Issuer {
  /** Exact `iss`. */
  readonly issuer: string;
  /** Exact `aud` (or one of a token's audiences). */
  readonly audience: string;
  /** The only `alg` values accepted, e.g. `["ES256"]`. */
  readonly algorithms: readonly string[];
  /** Where its keys are. `discovery` asks `<issuer>/.well-known/openid-configuration`. */
  readonly keys:
    | { readonly type: "discovery" }
    | { readonly type: "jwks"; readonly url: string }
    | { readonly type: "local"; readonly getKey: JWTVerifyGetKey };
  /** The claim that lists groups; default `groups`. */
  readonly groupsClaim?: string;
  /** The claim that names the caller's owner. */
  readonly ownerClaim?: string;
}

/** Longer tokens are refused unread. */
const longestToken = 16 * 1024;
const clockSkewSeconds = 60;
const rememberMs = 5 * 60_000;
const jwksTimeoutMs = 5_000;
const jwksMaxAgeMs = 10 * 60_000;

/**
 * Verifies agents' tokens (RFC 7519, RFC 8725): exact issuer, audience and algorithm list, `exp`, `iat` and `sub` required, at most 60 s of
 * skew, canonical base64url. A token that was verified is remembered until it expires, by its hash.
 */
export class Tokens {
  readonly #issuers: ReadonlyMap<string, { issuer: Issuer; getKey: JWTVerifyGetKey }>;
  readonly #now: () => number;
  readonly #verified = new LRUCache<string, { principal: Principal; expiresMs: number }>({ max: 10_000 });

  constructor(issuers: readonly Issuer[], now: () => number) {
    this.#issuers = new Map(issuers.map((issuer) => [issuer.issuer, { issuer, getKey: keysOf(issuer) }]));
    this.#now = now;
  }

  /** @throws {CountersignError} `unauthenticated`, with a message that does not quote the token. */
  async verify(token: string): Promise<Principal> {
    if (token.length > longestToken) throw refused("it is longer than 16 KiB");
    const name = hash("sha256", token, "base64url");
    const known = this.#verified.get(name);
    if (known !== undefined && known.expiresMs > this.#now()) return known.principal;
    const fresh = await this.#verify(token);
    this.#verified.set(name, fresh);
    return fresh.principal;
  }

  async #verify(token: string): Promise<{ principal: Principal; expiresMs: number }> {
    requireCanonical(token);
    const { issuer, getKey } = this.#issuerOf(token);
    try {
      const { payload } = await jwtVerify(token, getKey, {
        issuer: issuer.issuer,
        audience: issuer.audience,
        algorithms: [...issuer.algorithms],
        requiredClaims: ["exp", "iat", "sub"],
        clockTolerance: clockSkewSeconds,
        currentDate: new Date(this.#now()),
      });
      if (typeof payload.sub !== "string" || payload.sub === "" || payload.exp === undefined || payload.iat === undefined)
        throw refused("`sub`, `exp` or `iat` is missing");
      if (payload.iat * 1000 > this.#now() + clockSkewSeconds * 1000) throw refused("it was issued in the future");
      const owner = issuer.ownerClaim === undefined ? undefined : payload[issuer.ownerClaim];
      const principal: Principal = {
        issuer: issuer.issuer,
        subject: payload.sub,
        groups: groupsOf(payload[issuer.groupsClaim ?? "groups"]),
        claims: JSON.parse(JSON.stringify(payload)) as Record<string, Json>,
        ...(typeof owner === "string" ? { owner } : {}),
      };
      // Remembered for a few minutes only, so that a key taken out of the issuer's set stops working soon.
      return { principal, expiresMs: Math.min(payload.exp * 1000, this.#now() + rememberMs) };
    } catch (error) {
      throw explain(error);
    }
  }

  #issuerOf(token: string): { issuer: Issuer; getKey: JWTVerifyGetKey } {
    let iss: string | undefined;
    try {
      const { typ } = decodeProtectedHeader(token);
      if (typ !== undefined && !["jwt", "at+jwt", "application/at+jwt"].includes(typ.toLowerCase()))
        throw refused("its `typ` is not that of an access token");
      iss = decodeJwt(token).iss;
    } catch (error) {
      throw error instanceof CountersignError ? error : refused("it is not a JSON Web Token");
    }
    const known = iss === undefined ? undefined : this.#issuers.get(iss);
    if (known === undefined) throw refused("its issuer is not configured (identity.issuers)");
    return known;
  }
}

/** Whom a token names, whether or not that is true: for the record of a refusal, and for nothing else. */
export function claimsOf(token: string): { readonly issuer: string; readonly subject: string } | undefined {
  try {
    const { iss: issuer = "", sub: subject = "" } = decodeJwt(token.slice(0, longestToken));
    return typeof issuer === "string" && typeof subject === "string" ? { issuer, subject } : undefined;
  } catch {
    return undefined;
  }
}

function keysOf(issuer: Issuer): JWTVerifyGetKey {
  const options = { timeoutDuration: jwksTimeoutMs, cacheMaxAge: jwksMaxAgeMs, cooldownDuration: 30_000 };
  switch (issuer.keys.type) {
    case "local":
      return issuer.keys.getKey;
    case "jwks":
      return createRemoteJWKSet(new URL(issuer.keys.url), options);
    case "discovery": {
      let remote: JWTVerifyGetKey | undefined;
      return async (header, input) => {
        remote ??= createRemoteJWKSet(await discoverJwksUrl(issuer.issuer, jwksTimeoutMs), options);
        return remote(header, input);
      };
    }
  }
}

/** RFC 7515 §2: base64url without padding; a second spelling of the same token must not be a second token. */
function requireCanonical(token: string): void {
  const parts = token.split(".");
  if (parts.length !== 3 || parts.some((part) => Buffer.from(part, "base64url").toString("base64url") !== part)) {
    throw refused("it is not three parts of canonical base64url");
  }
}

function groupsOf(claim: unknown): readonly string[] {
  if (!Array.isArray(claim)) return [];
  return [...new Set(claim.filter((group): group is string => typeof group === "string"))].sort();
}

function explain(error: unknown): CountersignError {
  if (error instanceof CountersignError) return error;
  if (error instanceof errors.JWTExpired) return refused("it has expired; get a new one");
  if (error instanceof errors.JWTClaimValidationFailed) return refused(`its claim \`${error.claim}\` is not acceptable`);
  if (error instanceof errors.JOSEAlgNotAllowed) return refused("its algorithm is not among those configured");
  if (error instanceof errors.JWSSignatureVerificationFailed || error instanceof errors.JWKSNoMatchingKey)
    return refused("its signature does not verify");
  if (error instanceof errors.JOSEError) return refused("it cannot be verified");
  return new CountersignError("unauthenticated", "The issuer's keys cannot be fetched right now, so no token can be verified.", {
    retryable: true,
  });
}

function refused(why: string): CountersignError {
  return new CountersignError("unauthenticated", `The token is refused: ${why}.`);
}
