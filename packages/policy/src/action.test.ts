import { expect, test } from "vitest";
import { type Action, actionDigest, type PostgresParameter } from "./action.ts";

const action = {
  operation: {
    kind: "postgres.query",
    statement: "delete from orders where id = $1 -- é\n",
    parameters: [{ text: "7" }, null, { binary: "AAEC_w" }] as readonly PostgresParameter[],
  },
  resource: "orders-db",
  target: { type: "postgres", address: "db.internal:5432", database: "orders", user: "orders_writer" },
  principal: { issuer: "https://idp.example", subject: "agent-1", groups: ["agents", "batch"] },
  role: "writer",
} as const satisfies Action;

test("known answer, computed by another implementation (Python's hashlib over hand-sorted JSON)", () => {
  expect(actionDigest(action)).toBe("sha256:4d55a066281b72b50758888b39d2cd1f84b05fd99eb79a5a270d07196e1a253c");
});

const { operation, target, principal } = action;
const changes: Record<string, Action> = {
  statement: { ...action, operation: { ...operation, statement: "delete from orders where id = $1 -- é" } },
  "a parameter": { ...action, operation: { ...operation, parameters: [{ text: "8" }, null, { binary: "AAEC_w" }] } },
  "a parameter's format": { ...action, operation: { ...operation, parameters: [{ binary: "7" }, null, { binary: "AAEC_w" }] } },
  "NULL for the text null": {
    ...action,
    operation: { ...operation, parameters: [{ text: "7" }, { text: "null" }, { binary: "AAEC_w" }] },
  },
  "the order of parameters": { ...action, operation: { ...operation, parameters: [null, { text: "7" }, { binary: "AAEC_w" }] } },
  "the number of parameters": { ...action, operation: { ...operation, parameters: [{ text: "7" }, null] } },
  resource: { ...action, resource: "orders-db2" },
  "the target's address": { ...action, target: { ...target, address: "db.internal:5433" } },
  "the target's database": { ...action, target: { ...target, database: "orders2" } },
  "the target's login": { ...action, target: { ...target, user: "postgres" } },
  "the target's type": { ...action, target: { ...target, type: "mysql" } },
  "a new property of the target": { ...action, target: { ...target, tls: "off" } },
  issuer: { ...action, principal: { ...principal, issuer: "https://idp.example/" } },
  subject: { ...action, principal: { ...principal, subject: "agent-2" } },
  groups: { ...action, principal: { ...principal, groups: ["agents"] } },
  "the border between groups": { ...action, principal: { ...principal, groups: ["agents,batch"] } },
  role: { ...action, role: "reader" },
};

test.each(Object.entries(changes))("ap-bind: changing %s changes the digest", (_, changed) => {
  expect(actionDigest(changed)).not.toBe(actionDigest(action));
});

test("claims and the order of properties do not matter", () => {
  const reordered: Action = { role: "writer", target, principal: { ...principal }, resource: "orders-db", operation };
  expect(actionDigest(reordered)).toBe(actionDigest(action));
});

test("a text that has no UTF-8 form is refused rather than replaced", () => {
  expect(() => actionDigest({ ...action, operation: { ...operation, statement: "select '\ud800'" } })).toThrow(TypeError);
});
