/**
 * SSH: runs one command or one file operation for each action, for agents and for ssh and its like.
 *
 * @packageDocumentation
 */

export { type AuthorityKey, type AuthorityStep, FileAuthority } from "./authority.ts";
export { openSshConnector } from "./connector.ts";
export { openSshEvidence } from "./evidence.ts";
export { openHostKey } from "./host-key-file.ts";
export { openSshClients, type SshListen } from "./listener.ts";
export type { LoginContext } from "./login.ts";
export { parseKeyLine } from "./public-key.ts";
export { sshResourceSchema, sshWarnings } from "./resource.ts";
