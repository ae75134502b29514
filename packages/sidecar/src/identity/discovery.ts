import { CountersignError } from "@countersign/policy";

/**
 * The issuer's `jwks_uri` from its OpenID Connect Discovery 1.0 document.
 *
 * @throws {CountersignError} `unauthenticated` when the document cannot be had or is another issuer's.
 */
export async function discoverJwksUrl(issuer: string, timeoutMs: number): Promise<URL> {
  const url = new URL(`${issuer.replace(/\/$/, "")}/.well-known/openid-configuration`);
  const response = await fetch(url, {
    redirect: "error",
    signal: AbortSignal.timeout(timeoutMs),
    headers: { accept: "application/json" },
  });
  const document: unknown = response.ok ? await response.json() : undefined;
  // Discovery §4.3: the issuer must be the one that was asked for, or keys of one tenant would verify tokens of another.
  if (!isDocument(document) || document.issuer !== issuer) {
    throw new CountersignError("unauthenticated", `${url.href} is not the discovery document of that issuer.`, {
      retryable: true,
    });
  }
  return new URL(document.jwks_uri);
}

function isDocument(value: unknown): value is { readonly issuer: string; readonly jwks_uri: string } {
  return (
    typeof value === "object" && value !== null && "issuer" in value && "jwks_uri" in value && typeof value.jwks_uri === "string"
  );
}
