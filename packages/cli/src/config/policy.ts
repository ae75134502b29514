import { resolve } from "node:path";
import { loadToLookAt, type Policy, PolicyError, parsePublicKey, type ReadPolicy } from "@countersign/policy";
import type { Config } from "./load.ts";
import { policyReader } from "./policy-reader.ts";

/**
 * Reads policy files and what they include, or a bundle (whoever signed it): texts by name, as `loadPolicy` takes them. For what names files
 * on a command line.
 *
 * @param paths of the files that were named; relative ones start at the working folder.
 * @throws {PolicyError} with every file that cannot be read.
 */
export async function readPolicyFiles(paths: readonly string[]): Promise<Readonly<Record<string, string>>> {
  const { files, problems } = await readNamed(paths)();
  if (problems.length > 0) throw new PolicyError(problems);
  return files;
}

/**
 * Reads and loads policy files, and the parsers that decisions need. Not for what runs.
 *
 * @param paths as {@link readPolicyFiles}.
 * @throws {PolicyError} with the place of every mistake; files are named by their absolute paths.
 */
export async function loadPolicyFiles(paths: readonly string[]): Promise<Policy> {
  return await loadToLookAt(await readNamed(paths)());
}

/** Reads what a configuration names, again and again. */
export function configuredPolicy({ settings, path }: Config, now: () => number): ReadPolicy {
  const { policy, policyKeys } = settings;
  const trustedKeys = policyKeys?.flatMap((text) => parsePublicKey(text) ?? []);
  return policyReader((typeof policy === "string" ? [policy] : policy).map(path), { now, ...(trustedKeys && { trustedKeys }) });
}

/** Reads what a command line names; see {@link readPolicyFiles}. */
export function readNamed(paths: readonly string[]): ReadPolicy {
  return policyReader(
    paths.map((path) => resolve(path)),
    { now: Date.now },
  );
}
