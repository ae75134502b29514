import { createHash, type KeyObject } from "node:crypto";

/**
 * The name under which a data folder's log signs its checkpoints. It follows from the log's key: two logs never share a name (C2SP
 * tlog-checkpoint asks for that), and no change of the configuration can rename a log that exists.
 */
export function logOrigin(publicKey: KeyObject): string {
  const key = publicKey.export({ type: "spki", format: "der" });
  return `countersign/${createHash("sha256").update(key).digest("hex").slice(0, 16)}`;
}
