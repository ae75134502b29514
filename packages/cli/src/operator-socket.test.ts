import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { exitCodes } from "./exit.ts";
import { askPolicyStatus, askSignInLink, type Operator, serveOperator } from "./operator-socket.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "cs-operator-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const status = { digest: "sha256:00", sinceMs: 1, rules: 2, warnings: [] } as const;

const operator: Operator = {
  signInLink(approver: string) {
    if (approver !== "alice") throw new Error(`${approver} is nobody`);
    return "http://127.0.0.1:1/sign-in#x";
  },
  policyStatus: () => status,
};

test("gives a link for an approver, and says why not for anybody else", async () => {
  await using _ = await serveOperator(join(folder, "s"), operator);
  expect(await askSignInLink(join(folder, "s"), "alice")).toBe("http://127.0.0.1:1/sign-in#x");
  await expect(askSignInLink(join(folder, "s"), "eve")).rejects.toThrow("eve is nobody");
});

test("gives the policy's status", async () => {
  await using _ = await serveOperator(join(folder, "s"), operator);
  expect(await askPolicyStatus(join(folder, "s"))).toEqual(status);
});

test("takes the place of a socket that a killed process left, and leaves none itself", async () => {
  await writeFile(join(folder, "s"), "");
  {
    await using _ = await serveOperator(join(folder, "s"), operator);
    await askSignInLink(join(folder, "s"), "alice");
  }
  await expect(askSignInLink(join(folder, "s"), "alice")).rejects.toMatchObject({ exitCode: exitCodes.unreachable });
});
