import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { CountersignError } from "./errors.ts";

const folder = fileURLToPath(new URL("..", import.meta.url));
const readme = readFileSync(join(folder, "README.md"), "utf8");
const snippets = [...readme.matchAll(/^```ts\n([\s\S]*?)^```$/gm)].map(([, code]) => code ?? "");

test("every snippet of the README compiles against the package as it is exported", () => {
  expect(snippets.length).toBeGreaterThan(5);
  // Inside the package, so that its own name resolves through its exports.
  const scratch = mkdtempSync(join(folder, ".readme-"));
  try {
    for (const [index, code] of snippets.entries()) writeFileSync(join(scratch, `snippet-${index}.ts`), code);
    const config = {
      extends: "../../../tsconfig.base.json",
      compilerOptions: { noUnusedLocals: false },
      include: ["*.ts"],
    };
    writeFileSync(join(scratch, "tsconfig.json"), JSON.stringify(config));
    const tsc = fileURLToPath(new URL("../../../node_modules/.bin/tsc", import.meta.url));
    const { stdout } = spawnSync(tsc, ["-p", scratch], { encoding: "utf8", cwd: folder });
    // Other packages' sources are theirs to check.
    expect(stdout.split("\n").filter((line) => line.includes("snippet-"))).toEqual([]);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}, 60_000);

test("the README's table of errors names every code of a client's call", () => {
  const documented = new Set([...readme.matchAll(/`([a-z_]+)`/g)].map(([, code]) => code));
  const source = readFileSync(new URL("errors.ts", import.meta.url), "utf8");
  const codes = [...source.matchAll(/^ {2}([a-z_]+): true,$/gm)].map(([, code]) => code ?? "");
  expect(codes.length).toBeGreaterThan(20);
  const ofOtherCalls = new Set([
    ...["idempotency_conflict", "not_found", "not_cancellable", "internal"],
    ...["not_an_approver", "requester_cannot_vote", "already_voted", "digest_mismatch", "not_pending"],
    ...["stage_not_reached", "approver_locked", "reason_required", "grant_too_wide"],
  ]);
  expect(codes.filter((code) => !documented.has(code) && !ofOtherCalls.has(code))).toEqual([]);
  expect(new CountersignError("timeout", "").code).toBe("timeout");
});
