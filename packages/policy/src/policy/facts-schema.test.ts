import { beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import type { Operation } from "../action.ts";
import { loadParser } from "../facts/postgres/parser.ts";
import { type ProtocolName, protocols } from "../facts/protocols.ts";
import { classify, subjectOf } from "../facts.ts";
import { factsSchema } from "./facts-schema.ts";

beforeAll(loadParser);

const request = (method: string, path: string, body?: string) =>
  ({ method, path, headers: [], ...(body === undefined ? {} : { body: { text: body } }) }) as const;

const operations: Readonly<Record<ProtocolName, readonly Operation[]>> = {
  postgres: ["select a from t where b = 1", "delete from t; drop table t", "copy t from stdin", "select f(1)"].map(
    (statement) => ({
      kind: "postgres.query",
      statement,
      parameters: [],
    }),
  ),
  ssh: [
    ...["ls -l", "cat /etc/passwd | grep x > y", "sh -c 'rm -rf /'", "echo $(id)"].map(
      (command) => ({ kind: "ssh.exec", command }) as const,
    ),
    { kind: "ssh.subsystem", subsystem: "sftp" },
  ],
  kubernetes: [
    { kind: "kubernetes.request", ...request("GET", "/api/v1/namespaces/a/pods?watch=1") },
    { kind: "kubernetes.request", ...request("POST", "/api/v1/namespaces/a/pods/b/exec?command=ls&command=-l&stdout=true") },
    { kind: "kubernetes.request", ...request("DELETE", "/apis/apps/v1/namespaces/a/deployments/b") },
  ],
  http: [
    { kind: "http.request", ...request("GET", "/orders?id=1&id=2") },
    { kind: "http.request", ...request("POST", "/refunds", '{"amount": 7}') },
  ],
  mcp: [{ kind: "mcp.call", server: "s", tool: "t", arguments: { a: 1 }, schema: { type: "object" } }],
};

describe.each(Object.entries(operations))("%s", (protocol, examples) => {
  const name = Object.keys(protocols).find((one): one is ProtocolName => one === protocol);
  const validator = z.fromJSONSchema(JSON.parse(JSON.stringify(name && factsSchema(name))));

  test.each(examples.map((operation) => [JSON.stringify(operation), operation] as const))(
    "the facts of %s fit the schema",
    (_, operation) => {
      const { whole, parts = [] } = subjectOf(classify(operation, { searchPath: ["public"] }));
      for (const facts of [whole, ...parts])
        expect(validator.safeParse(JSON.parse(JSON.stringify(facts)))).toMatchObject({ success: true });
    },
  );

  test("something else does not", () => {
    expect(validator.safeParse({}).success).toBe(false);
    expect(validator.safeParse({ opaque: "no", doubts: [] }).success).toBe(false);
  });
});
