import { canonicalDigest, type Digest, type Json } from "./canonical.ts";
import type { Limits } from "./decision.ts";

/** One bind value: SQL NULL, PostgreSQL text format, or PostgreSQL binary format as canonical base64url. */
export type PostgresParameter = null | { readonly text: string } | { readonly binary: string };

/** One SQL statement with the values of `$1`, `$2`, … */
export interface PostgresQuery {
  readonly kind: "postgres.query";
  readonly statement: string;
  readonly parameters: readonly PostgresParameter[];
  /** Type OIDs of the parameters, where the client named any, or asked for them and sends bytes; 0 = the server's choice. Another type is another statement. */
  readonly types?: readonly number[];
  /** The data of a `COPY … FROM STDIN`, captured before anybody was asked. */
  readonly input?: Body;
  /**
   * What each EXECUTE, FETCH and MOVE of the text runs, in order: the statements that were prepared or declared before on the same connection,
   * as they were sent. Absent = it is not known.
   */
  readonly runs?: readonly string[];
  /** The client's own connection, which alone runs it: its transaction and its settings are part of what the statement means. */
  readonly connection?: ClientConnection;
}

/** What operations have in common that an unmodified client may ask for. */
interface OwnInput {
  /** The client's own connection, which alone runs it. */
  readonly connection?: ClientConnection;
  /** What its client sends while it runs goes to the target as it comes: it is not in the operation, and nobody has seen it. */
  readonly streamed?: true;
}

/** One connection of an unmodified client. */
export type ClientConnection = {
  /** Unguessable; no other connection ever has it. */
  readonly id: string;
  /** Whether a transaction is open, which its client may still roll back. */
  readonly inTransaction?: true;
  /** Settings that change what values mean or look like, where they differ from the server's, e.g. `{ "DateStyle": "SQL, DMY" }`. */
  readonly settings?: { readonly [name: string]: string };
};

/** A command line as sshd hands it to the login shell (`$SHELL -c command`, RFC 4254 §6.5). */
export interface SshExec extends OwnInput {
  readonly kind: "ssh.exec";
  readonly command: string;
  /** Whether a terminal is asked for; default no. */
  readonly tty?: boolean;
  /** All that it reads from its standard input, captured before anybody was asked; absent, and not `streamed` = it is closed. */
  readonly stdin?: Body;
}

/** What can be done with a file of an SSH server (SFTP version 3, draft-ietf-secsh-filexfer-02 §6, and OpenSSH's extensions). */
export const sshFileActions = [
  "read",
  "write",
  "append",
  "list",
  "stat",
  "set-attributes",
  "make-directory",
  "remove",
  "remove-directory",
  "rename",
  "link",
  "symlink",
  "read-link",
  "real-path",
] as const;

/** One of {@link sshFileActions}. */
export type SshFileAction = (typeof sshFileActions)[number];

/** Attributes that a file gets (draft-ietf-secsh-filexfer-02 §5). */
export type FileAttributes = {
  readonly size?: number;
  readonly uid?: number;
  readonly gid?: number;
  /** Type and permission bits, as `st_mode` (POSIX). */
  readonly mode?: number;
  /** Seconds since the Unix epoch. */
  readonly accessed?: number;
  readonly modified?: number;
};

/** One thing done with one file of an SSH server. */
export interface SshFile extends OwnInput {
  readonly kind: "ssh.file";
  readonly action: SshFileAction;
  readonly path: string;
  /** The other path: of `rename` and `link` the new name, of `symlink` what it points to. */
  readonly to?: string;
  /** All that is written: the whole file for `write`, what is added for `append`. */
  readonly content?: Body;
  /** Of `write`, `append`, `make-directory` and `set-attributes`. */
  readonly attributes?: FileAttributes;
}

/** A subsystem of an SSH server, e.g. `sftp` (RFC 4254 §6.5). */
export interface SshSubsystem extends OwnInput {
  readonly kind: "ssh.subsystem";
  readonly subsystem: string;
}

/**
 * The subsystem that is the target's own shell in a terminal: everything that is typed in it runs, unseen before. It is recorded, watched and cut. No host has
 * a subsystem of that name; with it only the listener for SSH clients gives one.
 */
export const terminalSession = "terminal-session";

/** The name by which rules permit an interactive login whose lines are decided about one by one: `ssh.subsystem == "guarded-shell"`. */
export const guardedShell = "guarded-shell";

/** The bytes of a body: as text where they are UTF-8, otherwise as canonical base64url. */
export type Body = { readonly text: string } | { readonly binary: string };

/** What HTTP requests are made of, whichever API they are for (RFC 9110). */
interface Request extends OwnInput {
  readonly method: string;
  /** The request target in origin form: the path and the query exactly as they are sent (RFC 9112 §3.2.1). */
  readonly path: string;
  /** The headers that are bound, in the order in which they are sent. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body?: Body;
}

/** A request to a Kubernetes API server; also `exec`, `attach` and `port-forward`, whose arguments are in the query. */
export interface KubernetesRequest extends Request {
  readonly kind: "kubernetes.request";
  /** The UID (`metadata.uid`) that the named object had when it was asked for: another one of the same name is not what was approved. */
  readonly uid?: string;
}

/** A request to an HTTP API. */
export interface HttpRequest extends Request {
  readonly kind: "http.request";
}

/** A call of a tool of an MCP server (Model Context Protocol, `tools/call`). */
export interface McpCall {
  readonly kind: "mcp.call";
  readonly server: string;
  readonly tool: string;
  readonly arguments: { readonly [name: string]: Json };
  /** The tool's input schema as the server listed it when the call was made; a changed tool is another action. */
  readonly schema?: Json;
}

/** One thing to be done, in the protocol's own terms. */
export type LineOperation = PostgresQuery | SshExec | SshFile | SshSubsystem | KubernetesRequest | HttpRequest | McpCall;

/** One line of a plan, as the caller asks for it. */
export interface PlanLine {
  readonly resource: string;
  readonly operation: LineOperation;
}

/** Exact actions in an order, approved as one. */
export interface Plan {
  readonly kind: "plan";
  /** 1 to {@link mostPlanLines}. */
  readonly lines: readonly PlanLine[];
}

/** More lines than these cannot be looked through by a person. */
export const mostPlanLines = 100;

/** What is to be done. */
export type Operation = LineOperation | Plan;

/** The authenticated caller. */
export interface Principal {
  /** The OIDC issuer, or `unix` for the identity of a socket. */
  readonly issuer: string;
  readonly subject: string;
  /** Sorted, without duplicates. */
  readonly groups: readonly string[];
  /** Verified claims that conditions may read; not part of the action. */
  readonly claims: Readonly<Record<string, Json>>;
  /** The subject that owns the caller, from a configured claim; it may not approve what the caller asks. */
  readonly owner?: string;
}

/** What a connection to the target is tied to, e.g. address, database, login and TLS mode. All of it is approved. */
export interface TargetIdentity {
  readonly type: string;
  readonly address: string;
  readonly [property: string]: string;
}

/** What one line of a plan is tied to. */
export interface LineTerms {
  readonly target: TargetIdentity;
  readonly role: string;
  readonly limits: Limits;
}

/** Operation + resource + target identity + principal + role: what a person approves. */
export interface Action {
  readonly operation: Operation;
  /** Of a plan: each of its lines' resources once, sorted, with `, ` between them. */
  readonly resource: string;
  readonly target: TargetIdentity;
  readonly principal: Pick<Principal, "issuer" | "subject" | "groups">;
  /** Of a plan: each of its lines' roles once. */
  readonly role: string;
  /** Of a plan: what each of its lines is tied to, in order. */
  readonly lines?: readonly LineTerms[];
}

/**
 * The digest of an action: `sha256("countersign/action/v1\n" ‖ JCS(action))`.
 *
 * @throws {TypeError} when a text holds a lone surrogate.
 */
export function actionDigest(action: Action): Digest {
  const { issuer, subject, groups } = action.principal;
  return canonicalDigest("countersign/action/v1", {
    operation: operationJson(action.operation),
    resource: action.resource,
    target: { ...action.target },
    principal: { issuer, subject, groups },
    role: action.role,
    ...(action.lines && { lines: action.lines.map(({ target, role, limits }) => ({ target, role, limits: { ...limits } })) }),
  });
}

/** The client's own connection on which alone an operation runs; undefined for one that any connection to its target runs. */
export function connectionOf(operation: Operation): ClientConnection | undefined {
  return "connection" in operation ? operation.connection : undefined;
}

function operationJson(operation: Operation): Json {
  if (operation.kind !== "plan") return { ...operation };
  return {
    kind: operation.kind,
    lines: operation.lines.map((line) => ({ resource: line.resource, operation: { ...line.operation } })),
  };
}
