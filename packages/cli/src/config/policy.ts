import { dirname, join, relative, resolve, sep } from "node:path";
import { loadParser, loadPolicy, type Policy, PolicyError, type Problem } from "@countersign/policy";
import type { Config } from "./load.ts";
import { readPolicyFile, UnreadableFile } from "./policy-file.ts";

/** Policy files as they stand on disk. */
export interface PolicyFiles {
  /** Texts by name, as `loadPolicy` takes them. A name is the path from `folder`, with `/`: the same wherever the folder is. */
  readonly files: Readonly<Record<string, string>>;
  /** The deepest folder that holds all the named files; absolute. */
  readonly folder: string;
}

/**
 * Reads policy files and what they include. The one reader of policies: the configuration's, and those of `--policy`.
 *
 * @param paths of the files that were named; relative ones start at the working folder.
 * @throws {PolicyError} with every file that cannot be read.
 */
export async function readPolicyFiles(paths: readonly string[]): Promise<PolicyFiles> {
  const named = paths.map((path) => resolve(path));
  const folder = commonFolder(named);
  const files: Record<string, string> = {};
  const problems: Problem[] = [];
  for (const path of named) {
    try {
      files[relative(folder, path).split(sep).join("/")] = (await readPolicyFile(path)).text;
    } catch (error) {
      if (!(error instanceof UnreadableFile)) throw error;
      problems.push({ file: path, line: 1, column: 1, message: `the policy file cannot be read: ${error.message}` });
    }
  }
  if (problems.length > 0) throw new PolicyError(problems);
  return { files, folder };
}

/**
 * Reads and loads policy files, and the SQL parser that decisions need.
 *
 * @param paths as {@link readPolicyFiles}.
 * @throws {PolicyError} with the place of every mistake; files are named by their absolute paths.
 */
export async function loadPolicyFiles(paths: readonly string[]): Promise<Policy> {
  const { files, folder } = await readPolicyFiles(paths);
  await loadParser();
  try {
    return loadPolicy(files);
  } catch (error) {
    throw error instanceof PolicyError
      ? new PolicyError(error.problems.map((one) => ({ ...one, file: join(folder, one.file) })))
      : error;
  }
}

/** Reads the policy that a configuration names; see {@link loadPolicyFiles}. */
export function readPolicy(config: Config): Promise<Policy> {
  const { policy } = config.settings;
  return loadPolicyFiles((typeof policy === "string" ? [policy] : policy).map(config.path));
}

function commonFolder(paths: readonly string[]): string {
  const [first = [], ...others] = paths.map((path) => dirname(path).split(sep));
  let length = first.length;
  for (const parts of others) {
    while (first.slice(0, length).join(sep) !== parts.slice(0, length).join(sep)) length--;
  }
  return first.slice(0, length).join(sep) || sep;
}
