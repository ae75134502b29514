import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { exitCodes } from "../../exit.ts";
import { run } from "../../run.ts";
import { testingTerminal } from "../../terminal/testing-terminal.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "cs-bundle-"));
  await writeFile(
    join(folder, "policy.yaml"),
    "version: 1\ninclude: [names.yaml]\nrules:\n  - { id: a, effect: deny, message: No. }\n",
  );
  await writeFile(
    join(folder, "names.yaml"),
    "# secret\nversion: 1\nrules:\n  - { id: p, effect: deny, private: true, message: No. }\n",
  );
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function policy(...argv: readonly string[]) {
  const terminal = testingTerminal({ cwd: folder });
  const code = await run(["policy", ...argv], terminal);
  return { code, out: terminal.out(), err: terminal.err() };
}

const bundled = (...argv: readonly string[]) => policy("bundle", "--policy", "policy.yaml", "--out", "p.bundle", ...argv);

test("a key is made once, a policy is bundled and signed with it, and anyone who has the public key can check it", async () => {
  const made = await policy("keygen", "key.pem");
  const key = made.out.trim();
  expect((await stat(join(folder, "key.pem"))).mode & 0o777).toBe(0o600);
  expect(await policy("keygen", "key.pem")).toMatchObject({ code: exitCodes.failure, err: expect.stringContaining("EEXIST") });
  expect(await bundled("--sign", "key.pem", "--bundle-version", "7")).toMatchObject({
    code: exitCodes.ok,
    out: expect.stringContaining("version 7, 2 files"),
  });
  expect(await policy("verify", "p.bundle", "--key", key)).toMatchObject({
    code: exitCodes.ok,
    out: expect.stringContaining("is whole"),
  });
  const other = (await policy("keygen", "other.pem")).out.trim();
  expect(await policy("verify", "p.bundle", "--key", other)).toMatchObject({ code: exitCodes.failure });
  expect(JSON.parse((await policy("verify", "p.bundle", "--json", "--key", other)).out)).toMatchObject({
    ok: false,
    code: "untrusted",
  });
  const text = await readFile(join(folder, "p.bundle"), "utf8");
  await writeFile(join(folder, "p.bundle"), text.replace("deny", "allow"));
  expect(JSON.parse((await policy("verify", "p.bundle", "--json", "--key", key)).out)).toMatchObject({
    ok: false,
    code: "digest_mismatch",
  });
});

test("the public bundle holds nothing private, and says that it is a part", async () => {
  await bundled("--public");
  expect(await readFile(join(folder, "p.bundle"), "utf8")).not.toMatch(/secret|"p"|id: p/);
  expect(JSON.parse((await policy("verify", "p.bundle", "--json")).out)).toMatchObject({ ok: true, partial: true });
});

test("a bundle is a policy file wherever one is named", async () => {
  await bundled();
  expect(await policy("check", "p.bundle")).toMatchObject({ code: exitCodes.ok });
});

test("what cannot be a bundle is told; nothing is written", async () => {
  expect(await bundled("--bundle-version", "0")).toMatchObject({ code: exitCodes.usage });
  expect(await bundled("--expires", "soon")).toMatchObject({ code: exitCodes.usage });
  expect(await bundled("--sign", "policy.yaml")).toMatchObject({
    code: exitCodes.usage,
    err: expect.stringContaining("policy keygen"),
  });
  await writeFile(join(folder, "policy.yaml"), "version: 1\nrules: [{ id: a }]\n");
  expect(await bundled()).toMatchObject({ code: exitCodes.usage, err: expect.stringContaining("policy.yaml:2:") });
  await expect(stat(join(folder, "p.bundle"))).rejects.toThrow("ENOENT");
  expect(await policy("verify", "p.bundle")).toMatchObject({ code: exitCodes.usage });
  expect(await policy("verify", "policy.yaml", "--json")).toMatchObject({ code: exitCodes.failure });
});
