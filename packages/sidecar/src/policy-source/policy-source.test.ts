import { mkdtempSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { mkdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { type Digest, loadReading, type Policy, PolicyError, type PolicyReading } from "@countersign/policy";
import { afterEach, beforeEach, expect, test } from "vitest";
import { PolicySource, type PolicySourceParts } from "./policy-source.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "cs-source-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const ruled = (id: string) => `version: 1\nrules:\n  - { id: ${id}, effect: deny, message: No. }\n`;

/** Two files that belong together. */
async function read(): Promise<PolicyReading> {
  const paths = ["a.yaml", "b.yaml"].map((name) => join(folder, name));
  const files: Record<string, string> = {};
  const problems = [];
  for (const path of paths) {
    try {
      files[path] = await readFile(path, "utf8");
    } catch {
      problems.push({ file: path, line: 1, column: 1, message: "gone" });
    }
  }
  return { paths, files, problems, warnings: [], locate: (name) => name };
}

async function started(parts: Partial<PolicySourceParts> = {}) {
  const reading = await read();
  const recorded: { rules: string[]; previous: Digest }[] = [];
  const defects: unknown[] = [];
  const source = new PolicySource(
    { reading, ready: await loadReading(reading) },
    {
      read,
      record: async ({ policy }, previous) => void recorded.push({ rules: ids(policy), previous }),
      now: Date.now,
      onInternalError: (error) => defects.push(error),
      times: { poll: 400 },
      ...parts,
    },
  );
  return { source, recorded, defects };
}

const ids = (policy: Policy): string[] => policy.rules.map(({ id }) => id);

function write(a: string, b: string): void {
  writeFileSync(join(folder, "a.yaml"), ruled(a));
  writeFileSync(join(folder, "b.yaml"), ruled(b));
}

/** Writes as editors do: a new file takes the place of the old one. */
function replace(name: string, text: string): void {
  writeFileSync(join(folder, `.${name}.swp`), text);
  renameSync(join(folder, `.${name}.swp`), join(folder, name));
}

async function until(what: () => boolean, ms = 3_000): Promise<void> {
  for (const startMs = Date.now(); !what(); await sleep(10)) {
    if (Date.now() - startMs > ms) throw new Error(`not within ${ms} ms: ${what}`);
  }
}

test("a changed file is in force within a second, recorded before with what it replaced", async () => {
  write("a1", "b1");
  const { source, recorded } = await started();
  await using _ = source;
  const { digest } = source.policy;
  await sleep(300);
  write("a2", "b1");
  const startMs = Date.now();
  await until(() => source.policy.digest !== digest);
  expect(Date.now() - startMs).toBeLessThan(1_000);
  expect(ids(source.policy)).toEqual(["a2", "b1"]);
  expect(recorded).toEqual([{ rules: ["a2", "b1"], previous: digest }]);
  expect(source.status).toMatchObject({ digest: source.policy.digest, rules: 2, warnings: [] });
  expect(source.status.failure).toBeUndefined();
});

test("a bad file leaves the last good one in force and says where it is bad; mending it clears that", async () => {
  write("a1", "b1");
  const { source, recorded } = await started();
  await using _ = source;
  const good = source.policy;
  writeFileSync(join(folder, "b.yaml"), "version: 1\nrules:\n  - { id: b1, effct: deny }\n");
  await until(() => source.status.failure !== undefined);
  expect(source.policy).toBe(good);
  expect(source.status.failure?.problems).toContainEqual({
    ...{ file: join(folder, "b.yaml"), line: 3, column: 15 },
    message: expect.stringContaining('did you mean "effect"?'),
  });
  writeFileSync(join(folder, "b.yaml"), ruled("b1"));
  await until(() => source.status.failure === undefined);
  // It says the same as before: nothing was replaced.
  expect(source.policy).toBe(good);
  expect(recorded).toEqual([]);
});

test("a file that is gone, a rule that is not enforced: bad, and the last good one stays", async () => {
  write("a1", "b1");
  const { source } = await started();
  await using _ = source;
  const good = source.policy;
  await rm(join(folder, "a.yaml"));
  await until(() => source.status.failure?.problems[0]?.message === "gone");
  replace(
    "a.yaml",
    'version: 1\nrules: [{ id: a1, effect: review, approval: { stages: [{ approvers: ["group:x"] }], signature: passkey } }]\n',
  );
  await until(() => /passkey/.test(source.status.failure?.problems[0]?.message ?? ""));
  expect(source.policy).toBe(good);
  replace("a.yaml", ruled("a2"));
  await until(() => ids(source.policy)[0] === "a2");
});

test("a file that is written piece by piece is not read before it is whole", async () => {
  const rules = Array.from({ length: 20 }, (_, index) => `  - { id: r${index}, effect: deny, message: No. }\n`);
  write("a1", "b1");
  const { source, recorded } = await started();
  await using _ = source;
  writeFileSync(join(folder, "a.yaml"), "version: 1\nrules:\n");
  for (const rule of rules) {
    // Every prefix is a policy by itself.
    writeFileSync(join(folder, "a.yaml"), rule, { flag: "a" });
    await sleep(20);
  }
  await until(() => source.policy.rules.length === 21);
  expect(recorded).toHaveLength(1);
});

test("a folder that is swapped by a link, as Kubernetes swaps a ConfigMap: both files change together", async () => {
  for (const version of ["1", "2"]) {
    await mkdir(join(folder, version));
    for (const name of ["a", "b"]) writeFileSync(join(folder, version, `${name}.yaml`), ruled(`${name}${version}`));
  }
  const swap = (version: string) => {
    symlinkSync(version, join(folder, "..tmp"));
    renameSync(join(folder, "..tmp"), join(folder, "..data"));
  };
  swap("1");
  for (const name of ["a", "b"]) symlinkSync(join("..data", `${name}.yaml`), join(folder, `${name}.yaml`));
  const { source, recorded } = await started();
  await using _ = source;
  expect(ids(source.policy)).toEqual(["a1", "b1"]);
  await sleep(300);
  for (let turn = 0; turn < 50; turn++) {
    swap(turn % 2 ? "1" : "2");
    await sleep((turn * 7) % 50);
    expect(ids(source.policy).join(), "never a mix").toMatch(/^a(.),b\1$/);
  }
  swap("2");
  await until(() => ids(source.policy).join() === "a2,b2");
  for (const { rules } of recorded) expect(rules.join()).toMatch(/^a(.),b\1$/);
});

test("two files that are written one after the other, without a pause between, are taken in together", async () => {
  write("a1", "b1");
  const { source, recorded } = await started();
  await using _ = source;
  for (let turn = 2; turn < 12; turn++) {
    replace("a.yaml", ruled(`a${turn}`));
    await sleep(15);
    replace("b.yaml", ruled(`b${turn}`));
    await until(() => ids(source.policy).join() === `a${turn},b${turn}`);
  }
  expect(recorded).toHaveLength(10);
});

test("what the audit log cannot take is not taken into use, and tried again", async () => {
  write("a1", "b1");
  let full = true;
  const record = async () => {
    if (full) throw new Error("disk full");
  };
  const { source, defects } = await started({ record, times: { poll: 100, retry: 200 } });
  await using _ = source;
  replace("a.yaml", ruled("a2"));
  await until(() => /audit log/.test(source.status.failure?.problems[0]?.message ?? ""));
  expect(ids(source.policy)).toEqual(["a1", "b1"]);
  expect(defects).not.toEqual([]);
  full = false;
  await until(() => ids(source.policy)[0] === "a2");
  expect(source.status.failure).toBeUndefined();
});

test("files that never come to rest are told of; the first pause takes them in", async () => {
  write("a1", "b1");
  const { source } = await started({ times: { restless: 300 } });
  await using _ = source;
  let turn = 0;
  const timer = setInterval(() => replace("a.yaml", ruled(`a${++turn}`)), 20);
  await until(() => /keep changing/.test(source.status.failure?.problems[0]?.message ?? ""));
  clearInterval(timer);
  await until(() => ids(source.policy)[0] === `a${turn}`);
  expect(source.status.failure).toBeUndefined();
});

test("whoever follows gets the status now, and the newest of what follows", async () => {
  write("a1", "b1");
  const { source } = await started();
  const stop = new AbortController();
  const seen: (string | undefined)[] = [];
  const following = (async () => {
    for await (const { failure } of source.follow(stop.signal)) seen.push(failure?.problems[0]?.message);
  })();
  await until(() => seen.length === 1);
  await rm(join(folder, "a.yaml"));
  await until(() => seen.length === 2);
  // Nothing is said twice.
  await sleep(900);
  expect(seen).toEqual([undefined, "gone"]);
  stop.abort();
  await following;
  const other = source.follow(new AbortController().signal)[Symbol.asyncIterator]();
  await other.next();
  await source[Symbol.asyncDispose]();
  expect(await other.next()).toMatchObject({ done: true });
});

test("a policy that was replaced is let go", async () => {
  setFlagsFromString("--expose-gc");
  const collect: () => void = runInNewContext("gc");
  write("a1", "b1");
  const { source } = await started();
  await using _ = source;
  const old = new WeakRef(source.policy);
  replace("a.yaml", ruled("a2"));
  await until(() => ids(source.policy)[0] === "a2");
  await sleep(50);
  collect();
  expect(old.deref()).toBeUndefined();
});

test("reload reads again also where nothing seems to have changed", async () => {
  write("a1", "b1");
  let reads = 0;
  const counted = () => {
    reads++;
    return read();
  };
  const { source } = await started({ read: counted });
  await using _ = source;
  await until(() => reads === 1);
  await sleep(900);
  expect(reads).toBe(1);
  source.reload();
  await until(() => reads === 2);
  expect(readFileSync(join(folder, "a.yaml"), "utf8")).toBe(ruled("a1"));
});

test("what is bad at the start is no source at all", async () => {
  write("a1", "a1");
  await expect(read().then(loadReading)).rejects.toBeInstanceOf(PolicyError);
});
