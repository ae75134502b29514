import { expect, test } from "vitest";
import type { Facts } from "../facts.ts";
import { loadPolicy } from "../policy.ts";
import { comparePolicies } from "./compare.ts";

const rule = (masks: string) =>
  loadPolicy({ "policy.yaml": `version: 1\nrules:\n  - { id: reads, effect: allow, role: r${masks} }\n` });

test.each([
  ["", ", limits: { masks: [public.c.email] }", "tighter", "none → public.c.email"],
  [", limits: { masks: [public.c.email, public.c.ssn] }", ", limits: { masks: [public.c.ssn] }", "looser", "→ public.c.ssn"],
  [", limits: { masks: [public.c.email] }", ", limits: { masks: [public.c.ssn] }", "both", "→ public.c.ssn"],
])("what is masked changes: %s → %s is %s", (before, after, direction, text) => {
  expect(comparePolicies(rule(before), rule(after))).toMatchObject([
    { kind: "changed", field: "limits.masks", direction, text: expect.stringContaining(text) },
  ]);
});

/** What a policy with these masks decides on facts. */
function decide(masks: readonly string[], facts: object, when = "true") {
  const rules = masks.map(
    (mask, at) => `  - { id: r${at}, effect: allow, when: '${when}', role: r, opaque: true, limits: { masks: [${mask}] } }`,
  );
  const policy = loadPolicy({ "policy.yaml": `version: 1\nrules:\n${rules.join("\n")}\n` });
  const principal = { issuer: "i", subject: "s", groups: [], claims: {} };
  const resource = { name: "db", type: "postgres", labels: {}, roles: ["r"] };
  return policy.decide({ resource, principal, facts: facts as Facts, reason: "", nowMs: 0 });
}

const sql = { protocol: "postgres", sql: { opaque: false, doubts: [] } };
const answered = (more: object = {}) => {
  const http = {
    upgrade: "",
    graphql: { kind: "", name: "", fields: [], aliased: false, opaque: false },
    opaque: false,
    doubts: [],
  };
  return { protocol: "http", http: { ...http, events: false, streamed: false, ...more } };
};

test("the masks of all rules that match hold together", () => {
  expect(decide(["public.c.ssn, public.c.email", '"public.d.*", public.c.email'], sql)).toMatchObject({
    limits: { masks: ["public.c.email", "public.c.ssn", "public.d.*"] },
  });
  expect(decide(["/email", '"/**/ssn"'], answered())).toMatchObject({ limits: { masks: ["/**/ssn", "/email"] } });
});

test.each([
  ["a place in JSON, of SQL", "/email", sql, "no column"],
  ["a column, of an answer", "public.c.email", answered(), "no place"],
  ["anything of a WebSocket", "/email", answered({ upgrade: "websocket" }), "WebSocket"],
  [
    "anything that has another name by now",
    "/data/email",
    answered({ graphql: { kind: "query", aliased: true, opaque: false } }),
    "aliases",
  ],
  [
    "anything of what was not understood",
    "/data/email",
    answered({ graphql: { kind: "query", aliased: false, opaque: true } }),
    "aliases",
  ],
  [
    "anything of a command",
    "/email",
    { protocol: "ssh", ssh: { opaque: true, doubts: [], programs: [], file: "", subsystem: "" } },
    "nothing can be hidden",
  ],
  ["anything of a tool", "a.b.c", { protocol: "mcp", mcp: { opaque: false, doubts: [] } }, "nothing can be hidden"],
])("what cannot be hidden does not run: %s", (_, mask, facts, why) => {
  const when = "http" in facts ? 'http.upgrade != "x" && http.graphql.kind != "x"' : "true";
  expect(decide([mask], facts, when)).toMatchObject({ effect: "deny", rules: ["r0"], message: expect.stringContaining(why) });
});

test.each(["/a", "/", "/a/0/*", "/**/a", "/a~1b/~0", "/a/**/*/b"])("%s is one", (mask) => {
  expect(rule(`, limits: { masks: ["${mask}"] }`).rules).toHaveLength(1);
});

test.each(["email", "customers.email", "a.b.c.d", "a..b", "*.b.c", "/a/**", "/**", "/a~2", "$.a", "a/b", "/x".repeat(33)])(
  "%s is no mask",
  (mask) => {
    expect(() => rule(`, limits: { masks: ["${mask}"] }`)).toThrow(/schema.table.column/);
  },
);
