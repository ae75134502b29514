import type { Operation, PostgresQuery } from "./action.ts";
import type { Protocol, ProtocolFacts } from "./facts/fact.ts";
import type { HttpApi } from "./facts/http/api.ts";
import type { HttpFacts } from "./facts/http/definition.ts";
import { classifyHttp } from "./facts/http.ts";
import type { KubernetesFacts } from "./facts/kubernetes/definition.ts";
import { classifyKubernetes } from "./facts/kubernetes.ts";
import type { McpFacts } from "./facts/mcp/definition.ts";
import { classifyMcp } from "./facts/mcp.ts";
import type { SqlFacts } from "./facts/postgres/definition.ts";
import { classifyPostgres, type PostgresOptions } from "./facts/postgres.ts";
import { protocols } from "./facts/protocols.ts";
import type { SshFacts } from "./facts/ssh/definition.ts";
import { classifySsh } from "./facts/ssh.ts";
import { CountersignError } from "./outcome.ts";

/** What classification found out about a PostgreSQL operation. */
export interface PostgresFacts {
  readonly protocol: "postgres";
  readonly sql: SqlFacts;
  /** The facts of each statement alone, when there are several: policy decides on every one, and the strictest counts. */
  readonly parts?: readonly SqlFacts[];
}

/** What classification found out about an operation. JSON-serialisable; shared and therefore frozen. */
export type Facts =
  | PostgresFacts
  | {
      readonly protocol: "ssh";
      readonly ssh: SshFacts;
      /** The facts of each command alone, when there are several: policy decides on every one, and the strictest counts. */
      readonly parts?: readonly SshFacts[];
    }
  | { readonly protocol: "kubernetes"; readonly kubernetes: KubernetesFacts }
  | { readonly protocol: "http"; readonly http: HttpFacts }
  | { readonly protocol: "mcp"; readonly mcp: McpFacts };

/** What classification has to know about the target, and its caps. */
export interface ClassifyOptions extends PostgresOptions {
  /** Of an HTTP API: what its requests are named by; absent = nothing is known of it. */
  readonly http?: HttpApi;
}

/**
 * Finds out what an operation does, from its own bytes and the options alone. What cannot be understood is marked opaque.
 * {@link loadParser} must have finished once before.
 *
 * @throws {CountersignError} `operation_too_large`; `invalid_operation` when the protocol does not accept the bytes or they have more than
 * one meaning (for SQL: PostgreSQL's parser rejects it, it is empty, holds a NUL byte or a lone surrogate, nests too deeply or changes a
 * pinned setting); `invalid_parameter` when the parameters do not fit.
 */
export function classify(operation: PostgresQuery, options: ClassifyOptions): PostgresFacts;
export function classify(operation: Operation, options: ClassifyOptions): Facts;
export function classify(operation: Operation, options: ClassifyOptions): Facts {
  switch (operation.kind) {
    case "postgres.query": {
      const { facts: sql, parts } = classifyPostgres(operation, options);
      return Object.freeze({ protocol: "postgres", sql, ...(parts ? { parts } : {}) });
    }
    case "ssh.exec":
    case "ssh.file":
    case "ssh.subsystem": {
      const { facts: ssh, parts } = classifySsh(operation);
      return Object.freeze({ protocol: "ssh", ssh, ...(parts ? { parts } : {}) });
    }
    case "kubernetes.request":
      return Object.freeze({ protocol: "kubernetes", kubernetes: classifyKubernetes(operation) });
    case "http.request":
      return Object.freeze({ protocol: "http", http: classifyHttp(operation, options.http) });
    case "mcp.call":
      return Object.freeze({ protocol: "mcp", mcp: classifyMcp(operation) });
    case "plan":
      throw new CountersignError("invalid_operation", "A plan is classified line by line, and holds no other plan.");
  }
}

/** Facts as rules see them, whatever the protocol. */
export interface Subject {
  readonly protocol: Protocol<ProtocolFacts>;
  readonly whole: ProtocolFacts;
  /** Of each statement or command alone, when there are several. */
  readonly parts?: readonly ProtocolFacts[] | undefined;
}

/** Takes facts apart. */
export function subjectOf(facts: Facts): Subject {
  switch (facts.protocol) {
    case "postgres":
      return { protocol: protocols.postgres, whole: facts.sql, parts: facts.parts };
    case "ssh":
      return { protocol: protocols.ssh, whole: facts.ssh, parts: facts.parts };
    case "kubernetes":
      return { protocol: protocols.kubernetes, whole: facts.kubernetes };
    case "http":
      return { protocol: protocols.http, whole: facts.http };
    case "mcp":
      return { protocol: protocols.mcp, whole: facts.mcp };
  }
}

/** Whether anything of the operation was not fully understood. */
export function isOpaque(facts: Facts): boolean {
  return subjectOf(facts).whole.opaque;
}

/** Whether the operation is known to change nothing. */
export function isReadOnly(facts: Facts): boolean {
  const { protocol, whole } = subjectOf(facts);
  return protocol.readOnly(whole);
}
