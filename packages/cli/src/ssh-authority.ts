import { join } from "node:path";
import { FileAuthority } from "@countersign/sidecar";

/** The SSH authority of a data folder, which signs the certificates of this instance's logins. */
export function sshAuthority(dataFolder: string, now: () => number): FileAuthority {
  return new FileAuthority(join(dataFolder, "ssh-authority.json"), now);
}
