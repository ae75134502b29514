import { randomBytes } from "node:crypto";
import { chmod, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openKeyFile } from "./key-file.ts";
import { Secret } from "./secret.ts";
import { openCredentialStore } from "./store.ts";

let folder: string;
let next = 0;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "cs-store-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const fresh = () => join(folder, `${next++}.json`);

describe("the credential store", () => {
  it.each([
    ["a key", () => randomBytes(32)],
    ["a passphrase", () => ({ passphrase: new Secret("correct horse") })],
  ])("keeps credentials under %s", async (_, makeKey) => {
    const file = fresh();
    const key = makeKey();
    const store = openCredentialStore(file, key);
    expect(await store.list()).toEqual([]);
    await store.set("writer", new Secret("hunter2"));
    await store.set("reader", new Secret("hunter3"));
    await store.set("reader", new Secret("hunter4"));
    const again = openCredentialStore(file, key);
    expect(await again.list()).toEqual(["reader", "writer"]);
    expect((await again.get("reader"))?.reveal()).toBe("hunter4");
    expect(await again.get("nobody")).toBeUndefined();
    expect(await again.remove("reader")).toBe(true);
    expect(await again.remove("reader")).toBe(false);
    expect(await store.list()).toEqual(["writer"]);
  });

  it("shows neither values nor names in its file, which only the owner can read", async () => {
    const file = fresh();
    await openCredentialStore(file, randomBytes(32)).set("writer", new Secret("hunter2"));
    const text = await readFile(file, "utf8");
    expect(text).not.toContain("hunter2");
    expect(text).not.toContain("writer");
    expect((await stat(file)).mode & 0o777).toBe(0o600);
  });

  it("opens with its own key only", async () => {
    const file = fresh();
    await openCredentialStore(file, randomBytes(32)).set("a", new Secret("b"));
    for (const key of [randomBytes(32), { passphrase: new Secret("x") }]) {
      await expect(openCredentialStore(file, key).get("a")).rejects.toMatchObject({ code: "target_credentials" });
    }
    expect(() => openCredentialStore(file, randomBytes(16))).toThrow(RangeError);
  });

  it("notices every changed character of its file", async () => {
    const file = fresh();
    const key = randomBytes(32);
    const store = openCredentialStore(file, key);
    await store.set("a", new Secret("b"));
    const whole = await readFile(file, "utf8");
    const { sealed, nonce } = JSON.parse(whole);
    for (const part of [sealed, nonce]) {
      for (let at = 0; at < part.length; at++) {
        const other = part[at] === "A" ? "B" : "A";
        const changed = `${part.slice(0, at)}${other}${part.slice(at + 1)}`;
        // The last character of base64 may hold bits that mean nothing.
        if (Buffer.from(changed, "base64").equals(Buffer.from(part, "base64"))) continue;
        await writeFile(file, whole.replace(part, changed));
        await expect(store.get("a")).rejects.toMatchObject({ code: "target_credentials" });
      }
    }
    await writeFile(file, whole.slice(0, -20));
    await expect(store.list()).rejects.toMatchObject({ code: "target_credentials" });
  });

  it("loses nothing when several change it at once", async () => {
    const file = fresh();
    const key = randomBytes(32);
    const names = Array.from({ length: 8 }, (_, index) => `n${index}`);
    await Promise.all(names.map((name) => openCredentialStore(file, key).set(name, new Secret(name))));
    expect(await openCredentialStore(file, key).list()).toEqual(names);
  });
});

describe("the key file", () => {
  it("is created once, for the owner only", async () => {
    const path = join(folder, "key");
    const key = await openKeyFile(path);
    expect(key).toHaveLength(32);
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect((await openKeyFile(path)).equals(key)).toBe(true);
  });

  it("is refused when others can read it or it is damaged", async () => {
    const path = join(folder, "key2");
    await writeFile(path, "short", { mode: 0o600 });
    await expect(openKeyFile(path)).rejects.toThrow("32 bytes");
    await chmod(path, 0o640);
    await expect(openKeyFile(path)).rejects.toThrow("chmod 600");
  });
});
