/**
 * SSH: runs one command or one file operation for each action.
 *
 * @packageDocumentation
 */

export { type AuthorityKey, type AuthorityStep, FileAuthority, type SshAuthority } from "./authority.ts";
export { openSshConnector } from "./connector.ts";
export type { LoginContext } from "./login.ts";
export { type SshResource, sshResourceSchema, sshWarnings } from "./resource.ts";
