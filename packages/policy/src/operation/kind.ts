import type {
  Body,
  HttpRequest,
  KubernetesRequest,
  McpCall,
  PostgresParameter,
  PostgresQuery,
  SshExec,
  SshFile,
  SshSubsystem,
} from "../action.ts";
import type { OperationCases } from "./message.ts";

/** Operations by kind; a plan is told line by line. */
export interface Operations {
  "postgres.query": PostgresQuery;
  "ssh.exec": SshExec;
  "ssh.file": SshFile;
  "ssh.subsystem": SshSubsystem;
  "kubernetes.request": KubernetesRequest;
  "http.request": HttpRequest;
  "mcp.call": McpCall;
}

/** The kinds of operations that there are. */
export type Kind = keyof Operations;

/** A part of an operation as people read it. Nothing is escaped: every place that shows it does that in its own way. */
export type OperationPart = {
  /** What it is, e.g. `Statement`, `Headers`. */
  readonly name: string;
} & (
  | /** Text or bytes of any length, each line on its own. */
  { readonly type: "block"; readonly content: Body; readonly syntax: "sql" | "shell" | "json" | "text" }
  /** Values with names of their own, in order; null = SQL NULL. */
  | { readonly type: "values"; readonly values: readonly NamedValue[] }
  /** A few words, of the operation or about it. */
  | { readonly type: "note"; readonly text: string }
);

/** One value, to be told apart from its surroundings. */
export interface NamedValue {
  readonly name: string;
  readonly content: PostgresParameter;
}

/** What is known of one kind of operation. The seam of everything that carries or shows operations. */
export interface OperationKind<K extends Kind> {
  /** For the wire. */
  readonly write: (operation: Operations[K]) => OperationCases[K];
  /**
   * From the wire. Untrusted input: what has no place in an operation is refused here; what the operation means is classification's to find out.
   *
   * @throws {CountersignError} `invalid_request`, `invalid_parameter`.
   */
  readonly read: (message: OperationCases[K]["value"]) => Operations[K];
  /** The most telling part of it, as one text. */
  readonly text: (operation: Operations[K]) => string;
  /** All of it: what no part shows is not in the operation. The first part is the most telling one. */
  readonly parts: (operation: Operations[K]) => readonly OperationPart[];
}
