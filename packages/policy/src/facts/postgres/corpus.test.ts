import { readdirSync, readFileSync } from "node:fs";
import { beforeAll, expect, test } from "vitest";
import { classifyText } from "./classify.ts";
import { loadParser } from "./parser.ts";

beforeAll(loadParser);

const folder = new URL("../../../corpora/sql/", import.meta.url);
const readme = readFileSync(new URL("./README.md", import.meta.url), "utf8");

/** Every statement of the corpus, see its README. */
const statements = readdirSync(folder)
  .filter((name) => name.endsWith(".sql"))
  .flatMap((name) => readFileSync(new URL(name, folder), "utf8").split(/;\n(?:\n|$)/))
  .filter((text) => text.trim() !== "");

test("of ordinary statements that read, less than two in a hundred are held because they are not understood", () => {
  const facts = statements.map((text) => classifyText(text, ["public"]).facts);
  const opaque = facts.filter((found) => found.opaque);
  const share = ((100 * opaque.length) / facts.length).toFixed(1);
  console.info(`${opaque.length} of ${facts.length} ordinary statements are opaque (${share} %)`);
  for (const { text, doubts } of opaque)
    console.info(`  ${text.trim().replace(/\s+/g, " ").slice(0, 100)}: ${doubts.join("; ")}`);
  expect(facts.length).toBeGreaterThan(400);
  expect(opaque.length / facts.length).toBeLessThan(0.02);
  expect(readme).toContain(`${opaque.length} of ${facts.length} (${share} %)`);
});

test("what is understood of them is that they read", () => {
  const facts = statements.map((text) => classifyText(text, ["public"]).facts);
  expect(facts.filter((found) => !found.opaque && (!found.readOnly || found.statements !== 1)).map(({ text }) => text)).toEqual(
    [],
  );
});
