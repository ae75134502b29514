import { type ChildProcess, spawn } from "node:child_process";
import { accessSync, constants, readdirSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";

/** An installed kubectl. */
export interface Kubectl {
  readonly path: string;
  /** `1.33.5` */
  readonly version: string;
  readonly minor: number;
}

/** How a command ended. */
export interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A command that runs. */
export interface Running {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
}

const first = 29;
/** Where the Google Cloud SDK keeps one of each version. */
const folders = [...(process.env.PATH ?? "").split(delimiter), "/usr/lib/google-cloud-sdk/bin"];

/** One kubectl of every minor version that is installed, 1.29 and newer, the newest last; says which. */
export async function installedKubectls(): Promise<readonly Kubectl[]> {
  const files = [...new Set(folders)].flatMap((folder) =>
    listed(folder)
      .filter((name) => /^kubectl(\.1\.\d+)?$/.test(name) && !isOld(name))
      .map((name) => join(folder, name))
      .filter(isProgram),
  );
  const found = await Promise.all(files.map(versionOf));
  const byMinor = new Map(found.flatMap((one) => (one === undefined || one.minor < first ? [] : [[one.minor, one] as const])));
  const all = [...byMinor.values()].sort((a, b) => a.minor - b.minor);
  process.stderr.write(
    all.length === 0
      ? `no kubectl from 1.${first} on is installed (looked in PATH and the Google Cloud SDK): its tests are skipped\n`
      : `kubectl: ${all.map(({ version }) => version).join(", ")}\n`,
  );
  return all;
}

/** Starts one with a kubeconfig and nothing else of this machine's but the `countersign` of this repository. */
export function kubectl(
  { path }: Kubectl,
  {
    kubeconfig,
    home,
    env = {},
    stdin = "ignore",
  }: {
    readonly kubeconfig: string;
    readonly home: string;
    readonly env?: Readonly<Record<string, string>>;
    readonly stdin?: "ignore" | "pipe";
  },
  ...args: readonly string[]
): Running {
  // The test folder depends on the command, so that its package manager has put it there.
  const own = join(new URL("..", import.meta.url).pathname, "node_modules/.bin");
  const programs = [own, dirname(process.execPath), "/usr/bin", "/bin"].join(delimiter);
  const child = spawn(path, args, {
    env: { PATH: programs, HOME: home, KUBECONFIG: kubeconfig, ...env },
    stdio: [stdin, "pipe", "pipe"],
  });
  return { child, ended: endOf(child) };
}

async function endOf(child: ChildProcess): Promise<Ended> {
  const texts = { stdout: "", stderr: "" };
  for (const stream of ["stdout", "stderr"] as const) child[stream]?.on("data", (data: Buffer) => (texts[stream] += data));
  const code = await new Promise<number>((resolve, reject) => {
    child.once("close", (status) => resolve(status ?? -1));
    child.once("error", reject);
  });
  return { code, ...texts };
}

async function versionOf(path: string): Promise<Kubectl | undefined> {
  const { stdout, code } = await endOf(spawn(path, ["version", "--client", "-o", "json"], { stdio: ["ignore", "pipe", "pipe"] }));
  if (code !== 0) return undefined;
  const { clientVersion } = JSON.parse(stdout) as { clientVersion?: { gitVersion?: string } };
  const [, version, minor] = /^v(1\.(\d+)\.\d+)/.exec(clientVersion?.gitVersion ?? "") ?? [];
  return version === undefined ? undefined : { path, version, minor: Number(minor) };
}

function isOld(name: string): boolean {
  return Number(name.split(".")[2] ?? first) < first;
}

function listed(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
