import { chmodSync, mkdirSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { temporaryFolder } from "../fixtures/plane.ts";
import { openKeys } from "./keys.ts";

const pem = (folder: string) => {
  const { log, vote, developmentIssuer, payload } = openKeys(folder);
  const texts = [log, vote, developmentIssuer].map(({ privateKey }) => privateKey.export({ type: "pkcs8", format: "pem" }));
  return [...texts, Buffer.from(payload).toString("hex")];
};

test("keys are made once, differ from each other, and only their owner can read them", () => {
  const folder = join(temporaryFolder(), "data");
  const keys = pem(folder);
  expect(pem(folder)).toEqual(keys);
  expect(new Set(keys).size).toBe(4);
  expect(openKeys(folder).payload).toHaveLength(32);
  expect(statSync(folder).mode & 0o777).toBe(0o700);
  expect(statSync(join(folder, "keys")).mode & 0o777).toBe(0o700);
  const files = readdirSync(join(folder, "keys"));
  expect(files.toSorted()).toEqual(["development-issuer.pem", "log.pem", "payload.key", "vote.pem"]);
  for (const file of files) expect(statSync(join(folder, "keys", file)).mode & 0o777).toBe(0o600);
});

test.each([
  ["a key", "keys/vote.pem", 0o640],
  ["the folder of keys", "keys", 0o750],
])("%s that others can read is refused", (_what, path, mode) => {
  const folder = temporaryFolder();
  openKeys(folder);
  chmodSync(join(folder, path), mode);
  expect(() => openKeys(folder)).toThrow(
    expect.objectContaining({ code: "folder_unsafe", message: expect.stringContaining("chmod") }),
  );
});

test("a data folder that others can write to is refused", () => {
  const folder = join(temporaryFolder(), "shared");
  mkdirSync(folder);
  chmodSync(folder, 0o777);
  expect(() => openKeys(folder)).toThrow(expect.objectContaining({ code: "folder_unsafe" }));
});

test.each([
  ["log.pem", ""],
  ["vote.pem", "-----BEGIN PRIVATE KEY-----\nSECRETSECRET\n-----END PRIVATE KEY-----\n"],
  ["payload.key", "c2hvcnQ=\n"],
  ["payload.key", `${"A".repeat(42)}B=\n`],
])("a damaged %s is named and not quoted", (file, text) => {
  const folder = temporaryFolder();
  openKeys(folder);
  writeFileSync(join(folder, "keys", file), text, { mode: 0o600 });
  expect(() => openKeys(folder)).toThrow(
    expect.objectContaining({ code: "key_damaged", message: expect.stringContaining(file) }),
  );
  expect(() => openKeys(folder)).not.toThrow(expect.objectContaining({ message: expect.stringContaining("SECRET") }));
});
