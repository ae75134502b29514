// Makes a clone ready to work in, on a machine that has only Node ≥ 20 and npm: the pinned pnpm and Node come as npm packages.
// Uses nothing but Node itself, because it runs before anything is installed.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { delimiter, join, resolve } from "node:path";

/** The clone's top folder. */
export const root = resolve(import.meta.dirname, "../..");

const manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
const pnpmVersion = manifest.packageManager.split("@")[1];
const nodeVersion = manifest.devDependencies.node;
const toolchain = join(root, ".toolchain", `pnpm-${pnpmVersion}-node-${nodeVersion}`);
const bin = join(toolchain, "node_modules/.bin");

/** The environment in which the pinned Node and pnpm and the workspace's own tools come first. */
export function environment(extra = {}) {
  const path = [join(root, "node_modules/.bin"), bin, process.env.PATH].join(delimiter);
  return { ...process.env, PATH: path, ...extra };
}

/**
 * Runs a command of the workspace and gives its exit status. `quiet` shows its output only when it fails.
 *
 * @param {string} command
 * @param {readonly string[]} args
 * @param {{ quiet?: boolean, env?: Record<string, string> }} [options]
 */
export function run(command, args, { quiet = false, env = {} } = {}) {
  const done = spawnSync(command, args, {
    cwd: root,
    env: environment(env),
    stdio: quiet ? ["ignore", "pipe", "pipe"] : ["ignore", "inherit", "inherit"],
    maxBuffer: 256 * 1024 * 1024,
  });
  const status = done.status ?? 1;
  if (quiet && status !== 0) process.stderr.write(`${done.stdout ?? ""}${done.stderr ?? ""}`);
  if (done.error !== undefined) process.stderr.write(`${command}: ${done.error.message}\n`);
  return status;
}

/** As {@link run}, but ends this process when the command fails. */
export function must(what, command, args, options) {
  const began = Date.now();
  process.stderr.write(`${what} … `);
  const status = run(command, args, { quiet: true, ...options });
  if (status !== 0) {
    process.stderr.write(`\n${what} failed: ${command} ${args.join(" ")} ended with ${status}.\n`);
    process.exit(status);
  }
  process.stderr.write(`${((Date.now() - began) / 1000).toFixed(1)} s\n`);
}

/** Installs the pinned tools and the workspace's packages; does nothing when they are there already. */
export function setUp() {
  requireNode();
  if (!existsSync(join(bin, "pnpm")) || !works(join(bin, "node"))) {
    mkdirSync(toolchain, { recursive: true });
    writeFileSync(join(toolchain, "package.json"), '{ "private": true }\n');
    const packages = [`pnpm@${pnpmVersion}`, `node@${nodeVersion}`];
    must(`Installing ${packages.join(" and ")}`, "npm", [
      "install",
      "--prefix",
      toolchain,
      "--no-audit",
      "--no-fund",
      "--no-save",
      ...packages,
    ]);
    if (!works(join(bin, "node"))) {
      process.stderr.write(
        "npm did not run the install script of the `node` package. Allow install scripts (ignore-scripts=false) and try again.\n",
      );
      process.exit(1);
    }
  }
  const lockfile = join(root, "pnpm-lock.yaml");
  const installed = join(root, "node_modules/.modules.yaml");
  if (
    !existsSync(installed) ||
    statSync(installed).mtimeMs < statSync(lockfile).mtimeMs ||
    !existsSync(join(root, "node_modules/.bin/vitest"))
  ) {
    must("Installing packages", "pnpm", ["install", "--frozen-lockfile"], { env: { CI: "true" } });
  }
}

function requireNode() {
  if (Number(process.versions.node.split(".")[0]) < 20) {
    process.stderr.write(`Countersign needs Node 20 or newer to set itself up; this is ${process.version}.\n`);
    process.exit(1);
  }
}

function works(command) {
  return spawnSync(command, ["--version"]).status === 0;
}
