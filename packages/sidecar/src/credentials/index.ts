/**
 * Credentials: where they come from and how they are kept; nothing here ever prints one.
 *
 * @packageDocumentation
 */

export { openKeyFile } from "./key-file.ts";
export { Secret } from "./secret.ts";
export { type CredentialStore, openCredentialStore } from "./store.ts";
