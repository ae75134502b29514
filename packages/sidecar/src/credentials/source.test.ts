import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inspect } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Secret } from "./secret.ts";
import { credentialSourceSchema, openCredential } from "./source.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "cs-credentials-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

function open(config: unknown, env: Record<string, string> = {}) {
  return openCredential(credentialSourceSchema.parse(config), { folder, env });
}

describe("Secret", () => {
  it("does not show itself in any of the usual ways", () => {
    const secret = new Secret("hunter2");
    const shown = [
      `${secret}`,
      String(secret),
      JSON.stringify({ secret }),
      inspect({ deep: [secret] }, { depth: 9, showHidden: true }),
      "".concat(String(secret)),
    ];
    expect(shown.join()).not.toContain("hunter2");
    expect(shown.join()).toContain("[secret]");
    expect(secret.reveal()).toBe("hunter2");
  });
});

describe("a credential from the environment", () => {
  it("is read anew every time", async () => {
    const env = { PW: "one" };
    const source = open({ env: "PW" }, env);
    expect((await source.read()).reveal()).toBe("one");
    env.PW = "two";
    expect((await source.read()).reveal()).toBe("two");
  });

  it("names the variable when it is missing", async () => {
    await expect(open({ env: "PW" }).read()).rejects.toMatchObject({
      code: "target_credentials",
      message: expect.stringContaining("PW"),
    });
  });
});

describe("a credential from a file", () => {
  it("is the file without its last line end, found relative to the configuration", async () => {
    await writeFile(join(folder, "a"), " pass word \r\n", { mode: 0o600 });
    expect((await open({ file: "a" }).read()).reveal()).toBe(" pass word ");
  });

  it("is refused when everybody can read it, unless the file is said to be shared", async () => {
    const path = join(folder, "b");
    await writeFile(path, "hunter2");
    await chmod(path, 0o644);
    const refused = await open({ file: "b" })
      .read()
      .catch((error: unknown) => error);
    expect(refused).toMatchObject({ code: "target_credentials", message: expect.stringContaining("chmod 600") });
    expect(String(refused)).not.toContain("hunter2");
    expect((await open({ file: "b", shared: true }).read()).reveal()).toBe("hunter2");
    await chmod(path, 0o640);
    expect((await open({ file: "b" }).read()).reveal()).toBe("hunter2");
  });

  it("is refused when it is missing, empty or far too large", async () => {
    await writeFile(join(folder, "empty"), "\n", { mode: 0o600 });
    await writeFile(join(folder, "large"), "x".repeat(70_000), { mode: 0o600 });
    for (const file of ["none", "empty", "large"]) {
      await expect(open({ file }).read(), file).rejects.toMatchObject({ code: "target_credentials" });
    }
  });
});

describe("a credential from the store", () => {
  it("says so when no store is open", async () => {
    await expect(open({ store: "x" }).read()).rejects.toMatchObject({ code: "target_credentials" });
  });
});
