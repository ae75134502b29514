import { mkdir, mkdtemp, rm, stat, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { privateFolder, socketFolder, socketPath } from "./run-folder.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "cs-run-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

test("sockets live in the data folder's run, which only its owner can enter", async () => {
  const found = await socketFolder(join(folder, "data"), ["agent.sock"]);
  expect(found).toBe(join(folder, "data/run"));
  expect((await stat(found)).mode & 0o777).toBe(0o700);
});

test("a data folder with a long path gets a short, stable, private folder for its sockets", async () => {
  const deep = join(folder, "d".repeat(90));
  const found = await socketFolder(deep, ["agent.sock"]);
  expect(Buffer.byteLength(join(found, "agent.sock"))).toBeLessThan(104);
  expect((await stat(found)).mode & 0o777).toBe(0o700);
  expect(await socketFolder(deep, ["agent.sock"])).toBe(found);
  await rm(found, { recursive: true });
});

test("a folder that others can enter is closed to them; what is not a folder is refused", async () => {
  await mkdir(join(folder, "open"), { mode: 0o755 });
  await privateFolder(join(folder, "open"));
  expect((await stat(join(folder, "open"))).mode & 0o777).toBe(0o700);
  await symlink(join(folder, "open"), join(folder, "link"));
  await expect(privateFolder(join(folder, "link"))).rejects.toThrow("is not a folder of your own");
});

test("a bare socket name goes to the socket folder, a path is relative to the configuration, a long one is refused", () => {
  expect(socketPath("/run/x", "/etc/cs", "agent.sock")).toBe("/run/x/agent.sock");
  expect(socketPath("/run/x", "/etc/cs", "./sub/agent.sock")).toBe("/etc/cs/sub/agent.sock");
  expect(socketPath("/run/x", "/etc/cs", "/a/agent.sock")).toBe("/a/agent.sock");
  expect(() => socketPath("/run/x", "/etc/cs", `/a/${"s".repeat(120)}`)).toThrow("the system allows");
});
