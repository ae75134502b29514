// Operations as they travel. The types say what proto/countersign/v1/common.proto says, so that what reads and writes them can live here, once,
// for everybody who sends or gets operations; where those hand over the generated types, the compiler holds the two against each other.

/** One of several, as the generated types have it. */
interface Case<Name extends string, Value> {
  $case: Name;
  value: Value;
}

/** `PostgresParameter` */
export interface ParameterMessage {
  value: Case<"null", boolean> | Case<"text", string> | Case<"binary", Buffer> | undefined;
}

/** `Body` */
export interface BodyMessage {
  content: Case<"text", string> | Case<"binary", Buffer> | undefined;
}

/** `ClientConnection` */
export interface ConnectionMessage {
  id: string;
  inTransaction: boolean;
  settings: { [name: string]: string };
}

/** What messages have in common that an unmodified client may be behind. */
interface OwnInputMessage {
  connection: ConnectionMessage | undefined;
  streamed: boolean;
}

/** `PostgresQuery` */
interface PostgresQueryMessage {
  statement: string;
  parameters: ParameterMessage[];
  types: number[];
  input: BodyMessage | undefined;
  connection: ConnectionMessage | undefined;
  runs: { statements: string[] } | undefined;
}

/** `SshExec` */
interface SshExecMessage extends OwnInputMessage {
  command: string;
  tty: boolean;
  stdin: BodyMessage | undefined;
}

/** `FileAttributes` */
interface FileAttributesMessage {
  size?: number | undefined;
  uid?: number | undefined;
  gid?: number | undefined;
  mode?: number | undefined;
  accessed?: number | undefined;
  modified?: number | undefined;
}

/** `SshFile` */
interface SshFileMessage extends OwnInputMessage {
  action: string;
  path: string;
  to?: string | undefined;
  content: BodyMessage | undefined;
  attributes: FileAttributesMessage | undefined;
}

/** `SshSubsystem` */
interface SshSubsystemMessage extends OwnInputMessage {
  subsystem: string;
}

/** `HttpRequest` */
export interface HttpRequestMessage extends OwnInputMessage {
  method: string;
  path: string;
  headers: { name: string; value: string }[];
  body: BodyMessage | undefined;
}

/** `KubernetesRequest` */
interface KubernetesRequestMessage extends HttpRequestMessage {
  uid: string;
}

/** `McpCall` */
interface McpCallMessage {
  server: string;
  tool: string;
  argumentsJson: string;
  schemaJson: string;
}

/** The cases of `Operation` by the kind of operation that each holds. */
export interface OperationCases {
  "postgres.query": Case<"postgresQuery", PostgresQueryMessage>;
  "ssh.exec": Case<"sshExec", SshExecMessage>;
  "ssh.file": Case<"sshFile", SshFileMessage>;
  "ssh.subsystem": Case<"sshSubsystem", SshSubsystemMessage>;
  "kubernetes.request": Case<"kubernetesRequest", KubernetesRequestMessage>;
  "http.request": Case<"httpRequest", HttpRequestMessage>;
  "mcp.call": Case<"mcpCall", McpCallMessage>;
}

/** `Operation` */
export interface OperationMessage {
  operation: OperationCases[keyof OperationCases] | undefined;
}
