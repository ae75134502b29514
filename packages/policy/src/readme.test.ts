import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import * as api from "./index.ts";
import { factDocument } from "./policy/fact-document.ts";
import { policyJsonSchema } from "./policy/json-schema.ts";

const read = (name: string) => readFileSync(new URL(`../${name}`, import.meta.url), "utf8");
const readme = read("README.md");
const block = (language: string): string => readme.split(`\`\`\`${language}\n`)[1]?.split("```")[0] ?? "";

test("FACTS.md and policy.schema.json are current (node --conditions=source scripts/readme.ts)", () => {
  // The formatter pads the cells.
  const plain = (text: string) => text.replace(/ +/g, " ").replace(/-+/g, "-").trim();
  expect(plain(read("FACTS.md"))).toBe(plain(factDocument()));
  expect(JSON.parse(read("policy.schema.json"))).toEqual(JSON.parse(JSON.stringify(policyJsonSchema())));
});

test("the README's example runs and gives what its policy says", async () => {
  const program = block("ts").replace(/import (\{.*\}) from "@countersign\/policy";/, "const $1 = api;");
  const run: unknown = new Function("api", "text", `return (async () => { ${program}; return decision; })();`);
  expect(typeof run).toBe("function");
  const decision: unknown = await (typeof run === "function" ? run(api, block("yaml")) : undefined);
  expect(decision).toMatchObject({ effect: "review", rules: ["writes-need-a-human"], role: "writer" });
});
