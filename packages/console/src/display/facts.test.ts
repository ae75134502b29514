import { expect, test } from "vitest";
import { decodeFacts, sentences, wish } from "./facts.ts";

test("facts that are missing or malformed are never taken for harmless ones", () => {
  const malformed = [
    ...["", "null", "{}", "[]", '{"protocol":"postgres","sql":{"kinds":["SELECT"]}}'],
    ...['{"protocol":"postgres","sql":{"kinds":"SELECT","opaque":false}}', '{"protocol":"ftp","ftp":{"opaque":false}}'],
    ...['{"protocol":"ssh","ssh":{"programs":["ls"],"readOnly":true}}', '{"protocol":"http","http":{"method":"GET"}}'],
    ...['{"protocol":"constructor"}', '{"sql":{"kinds":["SELECT"],"opaque":false}}'],
  ];
  for (const json of malformed) expect(decodeFacts(json), json).toBeUndefined();
  expect(sentences(undefined)[0]?.tone).toBe("danger");
});

const of = (protocol: string, facts: object) => decodeFacts(JSON.stringify({ protocol, [protocol]: facts }));

test.each([
  ["ssh", { programs: ["systemctl"], opaque: false }, "run systemctl"],
  ["ssh", { subsystem: "sftp", opaque: false }, "use the subsystem sftp"],
  [
    "kubernetes",
    { verb: "delete", resource: "pods", name: "api-0", namespace: "prod", opaque: false },
    "delete pods api-0 in prod",
  ],
  [
    "kubernetes",
    { verb: "create", resource: "pods", subresource: "exec", name: "a", opaque: true },
    "create pods/exec a (not fully understood)",
  ],
  ["http", { method: "POST", path: "/refunds", opaque: false }, "send POST /refunds"],
  ["mcp", { server: "github", tool: "merge", opaque: false }, "call merge of github"],
])("%s %j asks to %s", (protocol, facts, words) => {
  expect(wish(of(protocol, facts))).toBe(words);
});

test.each(["ssh", "kubernetes", "http", "mcp"])(
  "an opaque operation of %s says so first, with its doubts, and never that it only reads",
  (protocol) => {
    const said = sentences(of(protocol, { opaque: true, readOnly: true, doubts: ["it is encoded"] }));
    expect(said[0]).toMatchObject({ tone: "danger", text: expect.stringContaining("(it is encoded)") });
    expect(said.map(({ text }) => text)).not.toContain("Only reads.");
  },
);

test("a request says what the API calls it, and what it asks for in GraphQL", () => {
  const graphql = { kind: "mutation", name: "Star", fields: ["addStar", "me"], aliased: false, opaque: false };
  expect(sentences(of("http", { opaque: false, operation: "", graphql }))).toEqual([
    { tone: "caution", text: expect.stringMatching(/^Is a GraphQL mutation \(Star\): .*addStar.*me\.$/) },
  ]);
  const none = { kind: "", name: "", fields: [], aliased: false, opaque: false };
  expect(sentences(of("http", { opaque: false, operation: "refundPayment", graphql: none }))).toEqual([
    { tone: "plain", text: "The API calls it refundPayment." },
  ]);
});
