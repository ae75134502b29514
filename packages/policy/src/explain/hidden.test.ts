import { expect, test } from "vitest";
import { loadPolicy } from "../policy.ts";
import { answer } from "./answer.ts";
import type { Asking } from "./asking.ts";
import { explainOperation } from "./explain.ts";
import { readOperation } from "./operation-json.ts";

const secret = "hunter2-is-what-nobody-guesses-".repeat(8);
const encoded = Buffer.from(secret).toString("base64");

const rules = `version: 1
rules:
  - id: weak
    when: >-
      kubernetes.body.data.password == "eA=="
      || [kubernetes.body.data.password].exists(p, p.size() < 8)
     
    effect: deny
  - id: known
    when: size(kubernetes.body.data.password) == ${encoded.length} && kubernetes.body.data.password.startsWith("aHVu")
    effect: review
    approval: { stages: [{ approvers: [group:a], count: 1 }] }
`;
const policy = loadPolicy({ "policy.yaml": rules });

const asking: Asking = {
  operation: readOperation("kubernetes", {
    method: "POST",
    path: "/api/v1/namespaces/shop/secrets",
    body: { kind: "Secret", apiVersion: "v1", metadata: { name: "s" }, data: { password: encoded } },
  }),
  ...{ labels: {}, searchPath: [], reason: "", nowMs: 0 },
  principal: { issuer: "i", subject: "s", groups: [], claims: {} },
};

test("rules look at the values of Secrets, and nobody is told what they saw", () => {
  const explanation = explainOperation(policy, asking);
  expect(explanation.rules).toEqual(["known"]);
  const told = JSON.stringify([explanation, answer(policy, asking)]);
  expect(told).toContain("(hidden, 248 bytes)");
  for (const one of [secret, encoded, "hunter2", encoded.slice(0, 20)]) expect(told).not.toContain(one);
});
