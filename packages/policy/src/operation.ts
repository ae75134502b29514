/**
 * Operations as they are carried and shown, without the parsers and the policy language: for clients that start fast.
 *
 * @packageDocumentation
 */

export type {
  Body,
  FileAttributes,
  HttpRequest,
  KubernetesRequest,
  LineOperation,
  McpCall,
  SshExec,
  SshFile,
  SshFileAction,
  SshSubsystem,
} from "./action.ts";
export { commandLine } from "./explain/command-line.ts";
export { bodyBytes, bodyOf } from "./operation/body.ts";
export { isCredential as isCredentialHeader } from "./operation/credential.ts";
export { operationMessage, operationParts, operationText, readOperationMessage } from "./operation/kinds.ts";
