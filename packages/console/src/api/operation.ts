/** One bind value. NULL, the empty text and binary bytes are three different things. */
export type Parameter = { readonly type: "null" } | Content;

/** Text, or bytes that are none. */
export type Content = { readonly type: "text"; readonly value: string } | { readonly type: "binary"; readonly value: Uint8Array };

/** A connection of an unmodified client. */
export interface OwnConnection {
  readonly id: string;
  readonly inTransaction: boolean;
  readonly settings: Readonly<Record<string, string>>;
}

/** What operations have in common that an unmodified client may be behind. */
export interface OwnInput {
  /** On which alone it runs; absent = any. */
  readonly connection: OwnConnection | undefined;
  /** What its client sends while it runs is not known, and nobody sees it. */
  readonly streamed: boolean;
}

/** A header of a request. */
interface Header {
  readonly name: string;
  readonly value: string;
}

interface WebRequest extends OwnInput {
  readonly method: string;
  readonly path: string;
  readonly headers: readonly Header[];
  readonly body: Content | undefined;
}

/** What a file gets; absent = it stays. */
export type FileAttributes = Readonly<Record<"size" | "uid" | "gid" | "mode" | "accessed" | "modified", number | undefined>>;

/** Every kind of operation that this page can show whole. */
export interface Operations {
  "postgres.query": {
    readonly statement: string;
    readonly parameters: readonly Parameter[];
    readonly types: readonly number[];
    readonly input: Content | undefined;
    /** What its EXECUTE and FETCH run; absent = not known. */
    readonly runs: readonly string[] | undefined;
    readonly connection: OwnConnection | undefined;
  };
  "ssh.exec": OwnInput & { readonly command: string; readonly tty: boolean; readonly stdin: Content | undefined };
  "ssh.file": OwnInput & {
    readonly action: string;
    readonly path: string;
    readonly to: string | undefined;
    readonly content: Content | undefined;
    readonly attributes: FileAttributes | undefined;
  };
  "ssh.subsystem": OwnInput & { readonly subsystem: string };
  "kubernetes.request": WebRequest & { readonly uid: string };
  "http.request": WebRequest;
  "mcp.call": {
    readonly server: string;
    readonly tool: string;
    /** JSON texts, as they were sent. */
    readonly argumentsJson: string;
    readonly schemaJson: string;
  };
}

/** The name of a kind of operation. */
export type Kind = keyof Operations;

/** What is to be done. A kind, or a part of one, that this page cannot show whole is a decoding error: it cannot be approved here. */
export type Operation = OperationOf[Kind];

/** Operations by kind. */
export type OperationOf = { [K in Kind]: { readonly kind: K } & Operations[K] };
