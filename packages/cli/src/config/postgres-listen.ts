import { isIP } from "node:net";
import { z } from "zod";
import { address, duration, filePath, principal } from "./terms.ts";

/** One of `sidecar.postgres`: a Unix socket, whose identity may be configured, or a TCP port, with TLS unless it is on this machine. */
export const postgresListenSchema = z
  .strictObject({
    /**
     * The folder of a socket, in which it is `.s.PGSQL.5432`, or that file with another port; a bare name is placed in the data folder's `run`.
     */
    unix: filePath.optional(),
    /** Whoever can open the socket is this principal, and needs no token. */
    principal: principal.optional(),
    tcp: address.optional(),
    /** With `clientCa` a certificate that it signed is taken instead of a token. */
    tls: z.strictObject({ cert: filePath, key: filePath, clientCa: filePath.optional() }).optional(),
    /** How often a client is told that it still waits, so that one that gives up on silence stays; absent = once. */
    noticeEvery: duration.optional(),
  })
  .superRefine((value, context) => {
    const problem = (message: string, ...path: string[]): void => context.addIssue({ code: "custom", message, path });
    if (value.unix === undefined && value.tcp === undefined)
      problem("a PostgreSQL listener needs `unix: FOLDER` or `tcp: HOST:PORT`");
    if (value.unix !== undefined && value.tcp !== undefined)
      problem("a PostgreSQL listener has `unix` or `tcp`, not both: write two list items", "tcp");
    if (value.tcp !== undefined && value.tls === undefined && !isLoopback(value.tcp))
      problem(
        "agents send their token as the password, so a `tcp` listener that others can reach needs `tls: { cert: FILE, key: FILE }`",
        "tcp",
      );
    if (value.tcp !== undefined && value.principal !== undefined)
      problem("only a `unix` listener has a `principal`; over `tcp` agents send a token or show a certificate", "principal");
    if (value.unix !== undefined && value.tls !== undefined) problem("only a `tcp` listener has `tls`", "tls");
  });

/** By address, not by name: what a name means is not for this machine alone to say. */
export function isLoopback(text: string): boolean {
  const host = text.slice(0, text.lastIndexOf(":")).replace(/^\[|\]$/g, "");
  return host === "::1" || (isIP(host) === 4 && host.startsWith("127."));
}
