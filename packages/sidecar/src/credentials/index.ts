/**
 * Credentials: where they come from and how they are kept; nothing here ever prints one.
 *
 * @packageDocumentation
 */

export { openKeyFile } from "./key-file.ts";
export { Secret } from "./secret.ts";
export {
  type CredentialContext,
  type CredentialSource,
  type CredentialSourceConfig,
  credentialSourceSchema,
  openCredential,
} from "./source.ts";
export { type CredentialStore, openCredentialStore, type StoreKey } from "./store.ts";
