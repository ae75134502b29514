import { type ChildProcess, spawn } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { CountersignError, classify, type SshFacts } from "@countersign/policy";
import { afterAll, beforeAll, expect, test } from "vitest";
import { inputs, randomFrom, shellLine, stubs } from "./shell-lines.ts";

/** How many command lines run in every shell; SHELL_LINES=20000 looks harder. */
const lineCount = Number(process.env.SHELL_LINES ?? 1000);
const seed = Number(process.env.SHELL_SEED ?? 20_250_301);

/** The shells that a login may have, as sshd starts them. The first two must be there. */
const shells = [
  { name: "dash", args: ["-c"] },
  { name: "bash", args: ["-c"] },
  { name: "zsh", args: ["-f", "-c"] },
  { name: "busybox", args: ["ash", "-c"] },
  { name: "ksh93", args: ["-c"] },
  { name: "mksh", args: ["-c"] },
  { name: "yash", args: ["-c"] },
].flatMap(({ name, args }) => {
  const path = (process.env.PATH ?? "")
    .split(delimiter)
    .map((folder) => join(folder, name))
    .find(isExecutable);
  return path === undefined ? [] : [{ name, path, args }];
});

let root = "";

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "shell-facts-"));
  await mkdir(join(root, "bin"));
  // A stub writes its name and arguments into a file of its own, and does nothing else.
  const stub = `#!${shells[0]?.path}\nprintf '%s\\0' "$0" "$@" > "$RECORDS/$$"\n`;
  for (const name of stubs) {
    await writeFile(join(root, "bin", name), stub);
    await chmod(join(root, "bin", name), 0o755);
  }
});

afterAll(() => rm(root, { recursive: true, force: true }));

test("dash and bash are there", () => {
  console.log(`shells: ${shells.map(({ name }) => name).join(", ")}`);
  expect(shells.map(({ name }) => name)).toEqual(expect.arrayContaining(["dash", "bash"]));
});

test("whatever is not opaque runs exactly the programs with exactly the arguments that the facts list, in every shell, and makes no other file", async () => {
  const random = randomFrom(seed);
  const lines: { line: string; whole: SshFacts; parts: readonly SshFacts[] }[] = [];
  let generated = 0;
  while (lines.length < lineCount) {
    const line = shellLine(random);
    generated++;
    const read = factsOf(line);
    if (read && !read.parts.some((part) => part.opaque)) lines.push({ line, ...read });
  }
  const wrong: string[] = [];
  let compared = 0;
  const work = lines.flatMap((one, index) => shells.map((shell) => ({ ...one, shell, id: `${index}-${shell.name}` })));
  await inParallel(6, work, async ({ line, whole, parts, shell, id }) => {
    const { ran, made } = await run(shell, line, id);
    // `time` is a keyword to most shells and `command` is built in: what they start is what is recorded.
    const listed = parts.map(({ argv }) =>
      JSON.stringify(argv.slice(argv.findIndex((word) => word !== "time" && word !== "command"))),
    );
    const problem = difference(ran, listed, runsAll(line, parts)) ?? made.find((file) => !whole.paths.includes(file));
    if (problem !== undefined) wrong.push(`${shell.name}: ${JSON.stringify(line)}: ${problem}; ran ${ran}; listed ${listed}`);
    compared += ran.length;
  });
  console.log(`${generated} lines, ${lines.length} not opaque, ${compared} programs started in ${shells.length} shells`);
  expect(wrong.slice(0, 20)).toEqual([]);
  // Or else nothing was tried.
  expect(compared).toBeGreaterThan(lineCount);
}, 600_000);

function factsOf(command: string): { whole: SshFacts; parts: readonly SshFacts[] } | undefined {
  try {
    const facts = classify({ kind: "ssh.exec", command }, { searchPath: [] });
    if (facts.protocol !== "ssh") throw new Error("not a command");
    return { whole: facts.ssh, parts: facts.parts ?? [facts.ssh] };
  } catch (error) {
    if (error instanceof CountersignError) return undefined;
    throw error;
  }
}

/** Whether nothing in a line keeps one of its commands from running. */
function runsAll(line: string, parts: readonly SshFacts[]): boolean {
  if (/\|\||!/.test(line)) return false;
  const known = (redirect: string) =>
    /^[0-9]?>>? (?:out1|out 2|out3|out\\4|o 5|9|\/dev\/null)$|^[0-2]?[<>]&[12]$|^0?< (?:in1|in 2|3)$/.test(redirect);
  return parts.every(({ argv, redirects }) => stubs.includes(argv[0] ?? "") && redirects.every(known));
}

function difference(ran: readonly string[], listed: readonly string[], all: boolean): string | undefined {
  const left = [...listed];
  for (const one of ran) {
    const at = left.indexOf(one);
    if (at < 0) return `ran what is not listed: ${one}`;
    left.splice(at, 1);
  }
  return all && left.length > 0 ? `did not run ${left}` : undefined;
}

/** Runs a line in an empty folder and gives what the stubs recorded and which files came to be. */
async function run(
  { path, args }: (typeof shells)[number],
  line: string,
  id: string,
): Promise<{ ran: string[]; made: string[] }> {
  const folder = join(root, id);
  const [records, work] = [join(folder, "records"), join(folder, "work")];
  await mkdir(records, { recursive: true });
  await mkdir(work);
  for (const name of inputs) await writeFile(join(work, name), "");
  const env = { PATH: join(root, "bin"), RECORDS: records, HOME: work, LC_ALL: "C.UTF-8" };
  await ended(spawn(path, [...args, line], { cwd: work, env, stdio: "ignore", detached: true }));
  const texts = await Promise.all((await readdir(records)).map((name) => readFile(join(records, name), "utf8")));
  const ran = texts.map((text) => {
    const [program = "", ...operands] = text.split("\0").slice(0, -1);
    return JSON.stringify([program.slice(program.lastIndexOf("/") + 1), ...operands]);
  });
  const made = (await readdir(work, { recursive: true })).filter((name) => !inputs.includes(name));
  await rm(folder, { recursive: true, force: true });
  return { ran, made };
}

/** Waits for all of a shell's process group: some shells do not wait for every program of a pipeline. After 10 s it is killed. */
async function ended(child: ChildProcess): Promise<void> {
  const { pid } = child;
  if (pid === undefined) throw new Error("the shell did not start");
  const deadline = Date.now() + 10_000;
  await new Promise((resolve) => {
    child.once("close", resolve);
    setTimeout(10_000, undefined, { ref: false }).then(resolve);
  });
  for (let wait = 1; isAlive(-pid); wait = Math.min(2 * wait, 50)) {
    if (Date.now() > deadline) {
      process.kill(-pid, "SIGKILL");
      throw new Error("a command line ran too long");
    }
    await setTimeout(wait);
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

async function inParallel<T>(width: number, items: readonly T[], each: (item: T) => Promise<void>): Promise<void> {
  const queue = items.values();
  await Promise.all(
    Array.from({ length: width }, async () => {
      for (const item of queue) await each(item);
    }),
  );
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
