import fc from "fast-check";
import {
  type ClientConnection,
  type HttpRequest,
  type KubernetesRequest,
  type LineOperation,
  type McpCall,
  type PostgresQuery,
  type SshExec,
  type SshFile,
  type SshSubsystem,
  sshFileActions,
} from "../action.ts";
import type { Json } from "../canonical.ts";
import { bodyOf } from "./body.ts";

const text = fc.string({ unit: "grapheme" }).filter((one) => one.isWellFormed());
const word = fc.string({ minLength: 1, unit: "grapheme-ascii" });
/** No server has a setting of this name, which JSON objects take for another thing. */
const setting = word.filter((name) => name !== "__proto__");
const body = fc.uint8Array({ maxLength: 40 }).map(bodyOf);
const connection: fc.Arbitrary<ClientConnection> = fc.record(
  { id: word, inTransaction: fc.constant(true as const), settings: fc.dictionary(setting, text, { minKeys: 1 }) },
  { requiredKeys: ["id"] },
);
const own = { connection, streamed: fc.constant(true as const) };
const request = { method: word, path: word, headers: fc.array(fc.tuple(word, text)) };
const natural = fc.nat();
const attributes = fc.record(
  { size: natural, uid: natural, gid: natural, mode: natural, accessed: natural, modified: natural },
  { requiredKeys: [] },
);

/** For tests: every kind, with every field that it can have. A new field is a compile error here. */
export const operations: Record<LineOperation["kind"], fc.Arbitrary<LineOperation>> = {
  "postgres.query": fc.record(
    {
      kind: fc.constant("postgres.query" as const),
      statement: text,
      parameters: fc.array(
        fc.oneof(
          fc.constant(null),
          fc.record({ text }),
          fc.uint8Array().map((bytes) => ({ binary: Buffer.from(bytes).toString("base64url") })),
        ),
      ),
      types: fc.array(natural, { minLength: 1 }),
      input: body,
      runs: fc.array(text),
      connection,
    } satisfies Record<keyof PostgresQuery, unknown>,
    { requiredKeys: ["kind", "statement", "parameters"] },
  ),
  "ssh.exec": fc.record(
    { kind: fc.constant("ssh.exec" as const), command: text, tty: fc.constant(true), stdin: body, ...own } satisfies Record<
      keyof SshExec,
      unknown
    >,
    { requiredKeys: ["kind", "command"] },
  ),
  "ssh.file": fc.record(
    {
      ...{ kind: fc.constant("ssh.file" as const), action: fc.constantFrom(...sshFileActions), path: text, to: text },
      ...{ content: body, attributes, ...own },
    } satisfies Record<keyof SshFile, unknown>,
    { requiredKeys: ["kind", "action", "path"] },
  ),
  "ssh.subsystem": fc.record(
    { kind: fc.constant("ssh.subsystem" as const), subsystem: word, ...own } satisfies Record<keyof SshSubsystem, unknown>,
    { requiredKeys: ["kind", "subsystem"] },
  ),
  "kubernetes.request": fc.record(
    { kind: fc.constant("kubernetes.request" as const), ...request, body, uid: word, ...own } satisfies Record<
      keyof KubernetesRequest,
      unknown
    >,
    { requiredKeys: ["kind", "method", "path", "headers"] },
  ),
  "http.request": fc.record(
    { kind: fc.constant("http.request" as const), ...request, body, ...own } satisfies Record<keyof HttpRequest, unknown>,
    { requiredKeys: ["kind", "method", "path", "headers"] },
  ),
  "mcp.call": fc.record(
    {
      ...{ kind: fc.constant("mcp.call" as const), server: word, tool: word },
      arguments: fc.dictionary(
        word,
        // -0 is 0 in JSON.
        fc.jsonValue().map((value): Json => JSON.parse(JSON.stringify(value))),
      ),
      schema: fc.jsonValue().map((value): Json => JSON.parse(JSON.stringify(value))),
    } satisfies Record<keyof McpCall, unknown>,
    { requiredKeys: ["kind", "server", "tool", "arguments"] },
  ),
};

/** For tests of other packages: many of each kind. */
export function samples(arbitrary: fc.Arbitrary<LineOperation>): readonly LineOperation[] {
  return fc.sample(arbitrary, 200);
}
