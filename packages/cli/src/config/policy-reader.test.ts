import { execFileSync } from "node:child_process";
import { generateKeyPairSync } from "node:crypto";
import { chmodSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createBundle, loadReading, policyDigest } from "@countersign/policy";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type PolicyReaderOptions, policyReader } from "./policy-reader.ts";

let folder: string;
beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), "cs-policy-")));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const text = "version: 1\nrules: []\n";
const including = (...names: string[]) => `version: 1\ninclude: ${JSON.stringify(names)}\nrules: []\n`;

function write(name: string, content: string | Uint8Array = text): string {
  mkdirSync(dirname(join(folder, name)), { recursive: true });
  writeFileSync(join(folder, name), content, { mode: 0o644 });
  return join(folder, name);
}

function read(
  names: string | readonly string[],
  options: Partial<PolicyReaderOptions> = {},
  after?: { version: number; digest: `sha256:${string}` },
) {
  const paths = (typeof names === "string" ? [names] : names).map((name) => join(folder, name));
  return policyReader(paths, { now: () => 1_000_000, ...options })(after);
}

/** Why it cannot be read, without the folder's name. */
async function refusal(...args: Parameters<typeof read>): Promise<string[]> {
  return (await read(...args)).problems.map(({ file, message }) => `${file}: ${message}`.replaceAll(`${folder}/`, ""));
}

test("names are the same wherever the folder is, and however it is named", async () => {
  write("ops/rules/a.yaml");
  write("ops/rules/more/b.yaml");
  expect(Object.keys((await read("ops/rules/a.yaml")).files)).toEqual(["a.yaml"]);
  expect(Object.keys((await read(["ops/rules/a.yaml", "ops/rules/more/b.yaml"])).files)).toEqual(["a.yaml", "more/b.yaml"]);
  expect((await read(["ops/rules/a.yaml", "ops/rules/more/b.yaml"])).locate("more/b.yaml")).toBe(
    join(folder, "ops/rules/more/b.yaml"),
  );
});

test("what is included is read once, relative to the file that includes it; circles end", async () => {
  write("policy.yaml", including("dba/rules.yaml", "./common.yaml"));
  write("dba/rules.yaml", including("names.yaml", "../common.yaml"));
  write("dba/names.yaml", including("../policy.yaml"));
  write("common.yaml");
  const { files, paths, problems } = await read("policy.yaml");
  expect(problems).toEqual([]);
  expect(Object.keys(files).sort()).toEqual(["common.yaml", "dba/names.yaml", "dba/rules.yaml", "policy.yaml"]);
  expect([...paths].sort()).toEqual(
    Object.keys(files)
      .sort()
      .map((name) => join(folder, name)),
  );
});

describe("an include stays in the policy's folder", () => {
  test("`..` does not lead out, and nothing of what is there is read or told", async () => {
    write("secret.yaml", "password: hunter2\n");
    write("rules/policy.yaml", including("../secret.yaml"));
    const [problem, ...others] = await refusal("rules/policy.yaml");
    expect(problem).toMatch(/^rules\/policy\.yaml: it includes secret\.yaml, which is not in /);
    expect(problem).not.toContain("hunter2");
    expect(others).toEqual([]);
    // With both in the policy, their folder is the one above.
    expect((await read(["rules/policy.yaml", "secret.yaml"])).problems).toEqual([]);
  });

  test("a symbolic link does not lead out either", async () => {
    write("elsewhere/secret.yaml");
    write("rules/policy.yaml", including("linked.yaml", "folder/secret.yaml"));
    symlinkSync("../elsewhere/secret.yaml", join(folder, "rules/linked.yaml"));
    symlinkSync("../elsewhere", join(folder, "rules/folder"));
    const problems = await refusal("rules/policy.yaml");
    expect(problems).toHaveLength(2);
    for (const problem of problems) expect(problem).toMatch(/it leads to elsewhere\/secret\.yaml, out of the policy's folder$/);
  });

  test("a named file may be a link, and what lies beside its target may be included, as in a ConfigMap", async () => {
    write("mount/..2026/policy.yaml", including("common.yaml"));
    write("mount/..2026/common.yaml");
    symlinkSync("..2026", join(folder, "mount/..data"));
    for (const name of ["policy.yaml", "common.yaml"]) symlinkSync(join("..data", name), join(folder, "mount", name));
    const { files, problems } = await read("mount/policy.yaml");
    expect(problems).toEqual([]);
    expect(Object.keys(files).sort()).toEqual(["common.yaml", "policy.yaml"]);
  });
});

describe("what cannot be a policy file is told, and nobody waits for it", () => {
  test("a pipe, a folder, nothing, a circle of links, no UTF-8, too large", async () => {
    execFileSync("mkfifo", [join(folder, "pipe.yaml")]);
    mkdirSync(join(folder, "folder.yaml"));
    symlinkSync("circle.yaml", join(folder, "circle.yaml"));
    write("bytes.yaml", Buffer.from([0x76, 0xff, 0xfe]));
    write("large.yaml", "#".repeat(1024 * 1024 + 1));
    expect(await refusal(["pipe.yaml", "folder.yaml", "gone.yaml", "circle.yaml", "bytes.yaml", "large.yaml"])).toEqual([
      "pipe.yaml: the policy file cannot be read: it is not a regular file",
      "folder.yaml: the policy file cannot be read: it is a folder, not a file",
      "gone.yaml: the policy file cannot be read: there is no such file",
      "circle.yaml: the policy file cannot be read: its symbolic links lead in a circle",
      "bytes.yaml: the policy file cannot be read: it is not UTF-8 text",
      "large.yaml: the policy file cannot be read: it is larger than 1024 KiB",
    ]);
  });

  test("an included file that is missing is told with the one that includes it, and watched for", async () => {
    write("policy.yaml", including("gone.yaml"));
    expect(await refusal("policy.yaml")).toEqual([
      "gone.yaml: the policy file cannot be read: policy.yaml includes it, and there is no such file",
    ]);
    expect((await read("policy.yaml")).paths).toContain(join(folder, "gone.yaml"));
  });

  test("too many files, or too much in all of them", async () => {
    const names = Array.from({ length: 300 }, (_, index) => `many/${index}.yaml`);
    for (const name of names) write(name);
    write("policy.yaml", including(...names));
    expect((await refusal("policy.yaml"))[0]).toMatch(/more than 256 files$/);
    const large = ["1", "2", "3", "4", "5"].map((name) => write(`${name}.yaml`, "#".repeat(1024 * 1024)));
    expect(large).toHaveLength(5);
    expect(await refusal(["1.yaml", "2.yaml", "3.yaml", "4.yaml", "5.yaml"])).toEqual([
      "5.yaml: the policy file cannot be read: with it the policy is larger than 4096 KiB",
    ]);
  });
});

test("a file, or a folder, that others can write to is told of", async () => {
  const path = write("policy.yaml");
  chmodSync(folder, 0o755);
  expect((await read("policy.yaml")).warnings).toEqual([]);
  chmodSync(path, 0o664);
  expect((await read("policy.yaml")).warnings).toMatchObject([
    { file: path, message: expect.stringContaining(`chmod go-w '${path}'`) },
  ]);
  chmodSync(path, 0o644);
  chmodSync(folder, 0o777);
  expect((await read("policy.yaml")).warnings).toMatchObject([{ message: expect.stringContaining(`chmod go-w '${folder}'`) }]);
  chmodSync(folder, 0o1777);
  expect((await read("policy.yaml")).warnings).toEqual([]);
});

describe("a bundle", () => {
  const key = generateKeyPairSync("ed25519").privateKey;
  const other = generateKeyPairSync("ed25519").privateKey;
  const files = { "policy.yaml": including("more.yaml"), "more.yaml": text };
  const terms = { version: 3, issuedMs: 900_000 };

  test("takes the place of files; its names are its own", async () => {
    const path = write("policy.bundle", createBundle(files, { ...terms, expiresMs: 2_000_000 }, [key]));
    const reading = await read("policy.bundle", { trustedKeys: [key] });
    expect(reading).toMatchObject({ files, paths: [path], problems: [], bundle: { version: 3, expiresMs: 2_000_000 } });
    expect((await loadReading(reading)).policy.digest).toBe(policyDigest(files));
    expect((await read("policy.bundle")).files).toEqual(files);
  });

  test("with keys configured nothing else is a policy: not a file, not two, not an unsigned, older, expired or partial bundle", async () => {
    write("policy.yaml");
    write("unsigned", createBundle(files, terms));
    write("stranger", createBundle(files, terms, [other]));
    write("expired", createBundle(files, { ...terms, expiresMs: 1_000_000 }, [key]));
    write("partial", createBundle(files, { ...terms, partialOf: policyDigest({ a: "" }) }, [key]));
    write("good", createBundle(files, terms, [key]));
    const held = { trustedKeys: [key] };
    expect(await refusal("policy.yaml", held)).toEqual([expect.stringContaining("has to be one signed bundle")]);
    expect(await refusal(["good", "good"], held)).toEqual([expect.stringContaining("has to be one signed bundle")]);
    expect(await refusal("unsigned", held)).toEqual([expect.stringContaining("is not signed")]);
    expect(await refusal("stranger", held)).toEqual([expect.stringContaining("No trusted key")]);
    expect(await refusal("expired", held)).toEqual([expect.stringContaining("expired at")]);
    expect(await refusal("partial", held)).toEqual([expect.stringContaining("cannot be enforced")]);
    expect(await refusal("good", held, { version: 4, digest: policyDigest(files) })).toEqual([
      expect.stringContaining("was in use already"),
    ]);
    expect(await refusal("good", held)).toEqual([]);
    // Nothing of a refused one is handed on.
    expect((await read("stranger", held)).files).toEqual({});
    expect((await read("partial")).files).toEqual({});
  });
});
