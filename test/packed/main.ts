// `node test/setup/packed.mjs`: the packages as those who install them get them, in an empty project, and a command over SSH through them.
import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { sshWorld } from "../harness/ssh-world.ts";

const root = new URL("../..", import.meta.url).pathname;
const folder = mkdtempSync(join(tmpdir(), "cs-packed-"));
const project = join(folder, "project");

try {
  const packages = packed();
  install(packages);
  const bundle = readFileSync(join(project, "node_modules/@countersign/sidecar/dist/index.js"), "utf8");
  // The patched library is inside: nothing of it is looked for elsewhere.
  if (/from ?"ssh2"|require\("ssh2"\)/.test(bundle)) throw new Error("the sidecar's bundle looks for ssh2 elsewhere");
  if (!bundle.includes("cert-v01@openssh.com")) throw new Error("ssh2 in the sidecar's bundle is not patched");
  const bin = join(project, "node_modules/countersign/bin/countersign.mjs");
  const version = execFileSync(process.execPath, [bin, "--version"], { encoding: "utf8" }).trim();
  await execs([process.execPath, bin]);
  process.stdout.write(
    `countersign ${version}, installed from ${Object.keys(packages).length} packages, runs a command over SSH\n`,
  );
} finally {
  rmSync(folder, { recursive: true, force: true });
}

/** Packs every package that is published; gives where each is, by name. */
function packed(): Record<string, string> {
  const published = readdirSync(join(root, "packages"))
    .map((name) => join(root, "packages", name))
    .map((path) => ({ path, ...JSON.parse(readFileSync(join(path, "package.json"), "utf8")) }))
    .filter(({ private: isPrivate }) => isPrivate !== true);
  return Object.fromEntries(
    published.map(({ path, name, version }) => {
      execFileSync("pnpm", ["pack", "--pack-destination", folder], { cwd: path, stdio: "ignore" });
      return [name, `file:${join(folder, `${name.replace("@", "").replace("/", "-")}-${version}.tgz`)}`];
    }),
  );
}

/** Into an empty project, from what has been downloaded already. */
function install(packages: Readonly<Record<string, string>>): void {
  execFileSync("mkdir", [project]);
  writeFileSync(join(project, "package.json"), JSON.stringify({ name: "empty", private: true, dependencies: packages }));
  const overrides = Object.entries(packages).map(([name, where]) => `  "${name}": "${where}"\n`);
  const builds = "allowBuilds:\n  better-sqlite3: true\n  protobufjs: false\n";
  writeFileSync(join(project, "pnpm-workspace.yaml"), `packages: []\noverrides:\n${overrides.join("")}${builds}`);
  execFileSync("pnpm", ["install", "--offline"], { cwd: project, stdio: ["ignore", "ignore", "inherit"] });
}

async function execs(program: readonly string[]): Promise<void> {
  await using world = await sshWorld({ program });
  await using cs = world.instance.client();
  const { exitCode, stdout } = await cs.ssh("web-1").exec("whoami");
  if (exitCode !== 0 || stdout.toString().trim() !== world.sshd.user) throw new Error(`whoami: ${exitCode} ${stdout}`);
}
