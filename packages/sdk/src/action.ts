import type { FileAttributes, Json, SshFileAction as SshFileActionName } from "@countersign/policy";

/** Bytes, or text as UTF-8. */
export type Content = string | Uint8Array;

/** What every action has. */
interface OnResource {
  /** The resource's configured name, e.g. `orders-db`. */
  readonly resource: string;
}

/** One SQL statement on a PostgreSQL resource. */
export interface PostgresQueryAction extends OnResource {
  readonly kind: "postgres.query";
  /** One statement, with `$1`, `$2`, … for values. */
  readonly statement: string;
  /** The values of `$1`, `$2`, …; what may be passed is told at `PostgresResource.query`. */
  readonly parameters?: readonly unknown[];
}

/** One command on an SSH resource. */
export interface SshExecAction extends OnResource {
  readonly kind: "ssh.exec";
  /** A command line for the login shell, or a program with its arguments, which reach it exactly as they are. */
  readonly command: string | readonly string[];
  /** All that it reads from its standard input; absent = nothing. It is part of what is approved. */
  readonly stdin?: Content;
}

/** One thing done with one file of an SSH resource. */
export interface SshFileAction extends OnResource {
  readonly kind: "ssh.file";
  readonly action: SshFileActionName;
  readonly path: string;
  /** Of `rename` and `link` the new name, of `symlink` what it points to. */
  readonly to?: string;
  /** All that is written. */
  readonly content?: Content;
  readonly attributes?: FileAttributes;
}

/** What HTTP requests are made of. */
interface RequestAction extends OnResource {
  readonly method: string;
  /** Path and query, exactly as they are to be sent. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>> | readonly (readonly [name: string, value: string])[];
  readonly body?: Content;
}

/** A request to the API server of a Kubernetes resource. */
export interface KubernetesRequestAction extends RequestAction {
  readonly kind: "kubernetes.request";
  /** The UID of the object that is meant: another one of the same name is left alone. */
  readonly uid?: string;
}

/** A request to an HTTP resource. */
export interface HttpRequestAction extends RequestAction {
  readonly kind: "http.request";
}

/** A call of a tool of an MCP resource. */
export interface McpCallAction extends OnResource {
  readonly kind: "mcp.call";
  readonly server: string;
  readonly tool: string;
  readonly arguments?: { readonly [name: string]: Json };
}

/** What an agent may ask for. */
export type GuardedAction =
  | PostgresQueryAction
  | SshExecAction
  | SshFileAction
  | KubernetesRequestAction
  | HttpRequestAction
  | McpCallAction;

/** What goes with an action. */
export interface Asking {
  /** Why, in the agent's own words, for the person who approves (at most 4096 bytes). */
  reason?: string | undefined;
  /** The same key with the same action attaches to the same request, also from another process (at most 256 bytes). */
  idempotencyKey?: string | undefined;
}
