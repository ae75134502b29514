import { canonicalDigest, type Digest, type Json } from "./canonical.ts";

/** One bind value: SQL NULL, PostgreSQL text format, or PostgreSQL binary format as canonical base64url. */
export type PostgresParameter = null | { readonly text: string } | { readonly binary: string };

/** One SQL statement with the values of `$1`, `$2`, … */
export interface PostgresQuery {
  readonly kind: "postgres.query";
  readonly statement: string;
  readonly parameters: readonly PostgresParameter[];
}

/** What is to be done, in the protocol's own terms. */
export type Operation = PostgresQuery;

/** The authenticated caller. */
export interface Principal {
  /** The OIDC issuer, or `unix` for the identity of a socket. */
  readonly issuer: string;
  readonly subject: string;
  /** Sorted, without duplicates. */
  readonly groups: readonly string[];
  /** Verified claims that conditions may read; not part of the action. */
  readonly claims: Readonly<Record<string, Json>>;
  /** The subject that owns the caller, from a configured claim; it may not approve what the caller asks. */
  readonly owner?: string;
}

/** What a connection to the target is tied to, e.g. address, database, login and TLS mode. All of it is approved. */
export interface TargetIdentity {
  readonly type: string;
  readonly address: string;
  readonly [property: string]: string;
}

/** Operation + resource + target identity + principal + role: what a person approves. */
export interface Action {
  readonly operation: Operation;
  readonly resource: string;
  readonly target: TargetIdentity;
  readonly principal: Pick<Principal, "issuer" | "subject" | "groups">;
  readonly role: string;
}

/**
 * The digest of an action: `sha256("countersign/action/v1\n" ‖ JCS(action))`.
 *
 * @throws {TypeError} when a text holds a lone surrogate.
 */
export function actionDigest(action: Action): Digest {
  const { issuer, subject, groups } = action.principal;
  return canonicalDigest("countersign/action/v1", {
    operation: { ...action.operation },
    resource: action.resource,
    target: { ...action.target },
    principal: { issuer, subject, groups },
    role: action.role,
  });
}
