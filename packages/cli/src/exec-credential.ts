import { CliError, exitCodes } from "./exit.ts";

/** The version of client-go's credential plugins that kubeconfigs of ours ask for. */
export const execApiVersion = "client.authentication.k8s.io/v1";

/**
 * What kubectl takes from a credential plugin (client.authentication.k8s.io/v1, ExecCredential): an agent's token. It asks again when that has
 * expired.
 *
 * @param info KUBERNETES_EXEC_INFO, which says what the client understands.
 * @throws {CliError} usage: there is no token, it has expired, or the client wants another version.
 */
export function execCredential(token: string, info: string | undefined, nowMs: number): object {
  if (token === "" || /\s/.test(token))
    throw new CliError(exitCodes.usage, "There is no token, or more than one word where it should be.");
  if (info !== undefined && !info.includes(`"${execApiVersion}"`))
    throw new CliError(exitCodes.usage, `The client wants another version than ${execApiVersion}. Use kubectl 1.22 or newer.`);
  const expiresMs = expiryOf(token);
  if (expiresMs !== undefined && expiresMs <= nowMs)
    throw new CliError(
      exitCodes.usage,
      `The agent's token expired at ${new Date(expiresMs).toISOString()}. Set a new one; in development \`countersign token --subject NAME\` makes one.`,
    );
  // RFC 3339 in whole seconds, as client-go writes it.
  const expires = expiresMs === undefined ? {} : { expirationTimestamp: `${new Date(expiresMs).toISOString().slice(0, 19)}Z` };
  return { apiVersion: execApiVersion, kind: "ExecCredential", status: { token, ...expires } };
}

/** Milliseconds; undefined for what is no JWT. Only for the client's convenience: the sidecar verifies the token. */
function expiryOf(token: string): number | undefined {
  try {
    const claims: unknown = JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString());
    const isTimed = typeof claims === "object" && claims !== null && "exp" in claims && typeof claims.exp === "number";
    // What is no time is no expiry: beyond this there is no date.
    return isTimed && Math.abs(Number(claims.exp)) < 8.64e12 ? Number(claims.exp) * 1000 : undefined;
  } catch {
    return undefined;
  }
}
