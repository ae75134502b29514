import { parseKeyLine } from "@countersign/sidecar";
import { z } from "zod";
import { address, filePath, principal } from "./terms.ts";

const publicKey = z.string().superRefine((text, context) => {
  try {
    parseKeyLine(text);
  } catch (error) {
    const why = error instanceof Error ? error.message : "it cannot be read";
    context.addIssue({ code: "custom", message: `expected a public key as in a .pub file (type, base64): ${why}` });
  }
});

/** One of `sidecar.ssh`: where ssh, sftp, scp, rsync and git may connect. */
export const sshListenSchema = z.strictObject({
  tcp: address,
  /** Its own private key, Ed25519 in OpenSSH's format; default: one in the data folder, made at the first start. */
  hostKey: filePath.optional(),
  /** Keys by which agents are known; the others send a token as their password. */
  keys: z.array(z.strictObject({ key: publicKey, principal })).default([]),
  /** Authorities whose user certificates are taken; a certificate's one principal is who it is. */
  authorities: z.array(publicKey).default([]),
});
