/**
 * The agents' client: ask for an action, wait while a person decides, get the result with its receipt.
 *
 * @packageDocumentation
 */

export type { Content, GuardedAction, PostgresQueryAction, SshExecAction, SshFileAction } from "./action.ts";
export type { Tls } from "./address.ts";
export type { Advice } from "./advice.ts";
export { Countersign, type CountersignOptions, type ResourceInfo } from "./client.ts";
export type { Decision, Limits } from "./decision.ts";
export { CountersignError, type CountersignErrorCode } from "./errors.ts";
export type { OutputEvent, RequestEvent, RequestProgress, RowsEvent } from "./event.ts";
export type { TypeParsers } from "./field-reader.ts";
export type { HttpInit, HttpResource } from "./http.ts";
export type {
  KubernetesList,
  KubernetesObject,
  KubernetesRequestInit,
  KubernetesResource,
  KubernetesSelection,
  PodLog,
} from "./kubernetes.ts";
export type { WatchEvent } from "./kubernetes-answer.ts";
export { type PodExec, podExecAction } from "./kubernetes-exec.ts";
export type { KubernetesKind, KubernetesName } from "./kubernetes-path.ts";
export type { Outcome, OutcomeState, Receipt, RequestStatus, Summary } from "./outcome.ts";
export type { LineOutcome, LineStatus, Plan } from "./plan.ts";
export type { PostgresResource, QueryOptions, QueryResult, RowStream } from "./postgres.ts";
export type { HeldOperation, Replacement } from "./replacement.ts";
export type { RequestHandle } from "./request.ts";
export type { Column, RowMode } from "./row-reader.ts";
export type { ExecOptions, ExecResult, FileEntry, FileOptions, OutputParts, SshResource } from "./ssh.ts";
export type { OutputPart, SshSummary } from "./ssh-output.ts";
export type { SubmitOptions } from "./submit.ts";
export type { Waiting } from "./waiting.ts";
