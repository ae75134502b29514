import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { classifySsh } from "../ssh.ts";

const folder = new URL("../../../corpora/shell/", import.meta.url);
const commands = readdirSync(folder)
  .filter((name) => name.endsWith(".txt"))
  .flatMap((name) => readFileSync(new URL(name, folder), "utf8").split("\n"))
  .filter((line) => line !== "");
const facts = commands.map((command) => classifySsh({ kind: "ssh.exec", command }).facts);

test("of ordinary diagnostic commands less than 15 % are held, and the README says how many", () => {
  const percent = (count: number) => `${((100 * count) / commands.length).toFixed(1)} %`;
  const opaque = facts.filter((one) => one.opaque).length;
  const readOnly = facts.filter((one) => one.readOnly).length;
  const measured = `Of ${commands.length} commands, ${percent(opaque)} are opaque and ${percent(readOnly)} are known to be read-only.`;
  console.log(measured);
  expect(opaque / commands.length).toBeLessThan(0.15);
  expect(readFileSync(new URL("README.md", import.meta.url), "utf8")).toContain(measured);
});

test("no two are the same, and all are different from what changes something", () => {
  expect(new Set(commands).size).toBe(commands.length);
  expect(commands.length).toBeGreaterThan(400);
  const changing = commands.filter((_, index) => facts[index]?.redirects.some((redirect) => /> (?!\/dev\/null)/.test(redirect)));
  expect(changing).toEqual([]);
});
