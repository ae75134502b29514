import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { parse } from "yaml";
import { z } from "zod";
import { policyJsonSchema } from "./json-schema.ts";

const examples = new URL("../../../../examples/policies/", import.meta.url);

/** Reads the schema back, as an editor would. */
const schema = z.fromJSONSchema(JSON.parse(JSON.stringify(policyJsonSchema())));

test("an editor accepts the starter policies", () => {
  const files = readdirSync(examples).filter((name) => /(?<!\.policy-test)\.yaml$/.test(name));
  expect(files.length).toBeGreaterThan(4);
  for (const name of files)
    expect({ name, ...schema.safeParse(parse(readFileSync(new URL(name, examples), "utf8"))) }).toMatchObject({ success: true });
});

test.each([
  ["an unknown key", { version: 1, rules: [{ id: "a", efect: "deny" }] }],
  ["an unknown effect", { version: 1, rules: [{ id: "a", effect: "forbid" }] }],
  ["no version", { rules: [] }],
  ["a duration that is none", { version: 1, rules: [{ id: "a", effect: "allow", limits: { time: "fast" } }] }],
  [
    "an approver that is none",
    { version: 1, rules: [{ id: "a", effect: "review", approval: { stages: [{ approvers: ["bob"] }] } }] },
  ],
])("an editor marks %s", (_, value) => {
  expect(schema.safeParse(value).success).toBe(false);
});

test("it says what things mean", () => {
  expect(JSON.stringify(policyJsonSchema())).toContain("`deny` beats `review` beats `allow`");
});
