import { chmodSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { UnchangedFile } from "./unchanged-file.ts";

let folder: string;
let path: string;
let reads: number;
let clockMs: number;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "cs-unchanged-"));
  path = join(folder, "file");
  reads = 0;
  clockMs = Date.now() + 10_000;
  writeFileSync(path, "one");
});
afterEach(() => rmSync(folder, { recursive: true }));

async function read(): Promise<string> {
  reads++;
  return readFileSync(path, "utf8");
}

/** Long after the file was written, a millisecond later at each look. */
const later = () => ++clockMs;

test("it is read once while nothing about it changes", async () => {
  const file = new UnchangedFile<string>(path, later);
  for (let n = 0; n < 3; n++) expect(await file.get(read)).toBe("one");
  expect(reads).toBe(1);
});

test("what was written, put in its place or opened to others counts at the next use", async () => {
  const file = new UnchangedFile<string>(path, later);
  await file.get(read);
  writeFileSync(path, "two");
  expect([await file.get(read), reads]).toEqual(["two", 2]);
  writeFileSync(join(folder, "next"), "six");
  renameSync(join(folder, "next"), path);
  expect([await file.get(read), reads]).toEqual(["six", 3]);
  chmodSync(path, 0o644);
  chmodSync(path, 0o600);
  expect([await file.get(read), reads]).toEqual(["six", 4]);
  rmSync(path);
  await expect(file.get(read)).rejects.toMatchObject({ code: "ENOENT" });
});

test("the file system is asked once in a millisecond", async () => {
  const file = new UnchangedFile<string>(path, () => clockMs);
  await file.get(read);
  writeFileSync(path, "two");
  expect(await file.get(read)).toBe("one");
  clockMs++;
  expect(await file.get(read)).toBe("two");
});

test("one that was changed a moment ago is read again: another change may bear the same time", async () => {
  const file = new UnchangedFile<string>(path, Date.now);
  await file.get(read);
  await file.get(read);
  expect(reads).toBe(2);
});

test("what changes while it is read is not kept", async () => {
  const file = new UnchangedFile<string>(path, later);
  await file.get(async () => {
    const text = await read();
    writeFileSync(path, "changed");
    return text;
  });
  expect(await file.get(read)).toBe("changed");
});
