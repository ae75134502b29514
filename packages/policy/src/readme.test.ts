import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import * as api from "./index.ts";
import { factTable } from "./policy/fact-table.ts";

const readme = readFileSync(new URL("../README.md", import.meta.url), "utf8");
const block = (language: string): string => readme.split(`\`\`\`${language}\n`)[1]?.split("```")[0] ?? "";

test("the README's table of facts is current (node --conditions=source scripts/readme.ts)", () => {
  // The formatter pads the cells.
  const plain = (text: string) => text.replace(/ +/g, " ").replace(/-+/g, "-");
  expect(plain(readme)).toContain(plain(`<!-- facts -->\n${factTable()}\n`));
});

test("the README's example runs and gives what its policy says", async () => {
  const program = block("ts").replace(/import (\{.*\}) from "@countersign\/policy";/, "const $1 = api;");
  const run: unknown = new Function("api", "text", `return (async () => { ${program}; return decision; })();`);
  expect(typeof run).toBe("function");
  const decision: unknown = await (typeof run === "function" ? run(api, block("yaml")) : undefined);
  expect(decision).toMatchObject({ effect: "review", rules: ["writes-need-a-human"], role: "writer" });
});
