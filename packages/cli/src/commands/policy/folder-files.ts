import { glob, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { CliError, exitCodes } from "../../exit.ts";

/** The name of a file of policy tests. */
const tests = /\.policy-test\.ya?ml$/;

/**
 * The files of policy tests that a path means: itself, or those in the folder and below.
 *
 * @param path absolute.
 * @throws {CliError} usage, when there is nothing at the path.
 */
export async function testFiles(path: string): Promise<readonly string[]> {
  return (await isFolder(path)) ? await yamlFiles(path, (name) => tests.test(name)) : [path];
}

/**
 * The policy files that a path means: itself, or all YAML in the folder and below but tests.
 *
 * @param path absolute.
 * @throws {CliError} usage, when there is nothing at the path, or no YAML in the folder.
 */
export async function policyFiles(path: string): Promise<readonly string[]> {
  if (!(await isFolder(path))) return [path];
  const found = await yamlFiles(path, (name) => !tests.test(name));
  if (found.length > 0) return found;
  throw new CliError(exitCodes.usage, `There is no policy file in ${path}: nothing there ends in .yaml or .yml.`);
}

async function isFolder(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch (cause) {
    throw new CliError(exitCodes.usage, `There is nothing at ${path}.`, { cause });
  }
}

/** Sorted; what is installed or hidden is none of the operator's. */
async function yamlFiles(folder: string, wanted: (name: string) => boolean): Promise<readonly string[]> {
  const exclude = (name: string): boolean => name === "node_modules" || (name.startsWith(".") && name.length > 1);
  const found: string[] = [];
  for await (const file of glob("**/*.{yaml,yml}", { cwd: folder, exclude: (name) => exclude(basename(name)) }))
    if (wanted(basename(file))) found.push(join(folder, file));
  return found.sort();
}
