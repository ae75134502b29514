import { resolve } from "node:path";
import { loadToLookAt, type Policy, parsePublicKey, type ReadPolicy } from "@countersign/policy";
import type { Config } from "./load.ts";
import { policyReader } from "./policy-reader.ts";

/**
 * Reads and loads policy files, and the parsers that decisions need. Not for what runs.
 *
 * @param paths as {@link readNamed}.
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

/**
 * Reads what a command line names: policy files and what they include, or a bundle (whoever signed it).
 *
 * @param paths relative ones start at the working folder.
 */
export function readNamed(paths: readonly string[]): ReadPolicy {
  return policyReader(
    paths.map((path) => resolve(path)),
    { now: Date.now },
  );
}
