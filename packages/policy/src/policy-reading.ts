import { type PublicPolicy, publicPolicy } from "./bundle/public-policy.ts";
import type { Digest } from "./canonical.ts";
import { loadParser } from "./facts/postgres/parser.ts";
import { loadPolicy, type Policy, unenforced } from "./policy.ts";
import { DocumentError, PolicyError, type Problem } from "./problem.ts";

/** What was found where the policy is configured to be. */
export interface PolicyReading {
  /** Every file that was looked at or for; absolute. */
  readonly paths: readonly string[];
  /** Texts by name. */
  readonly files: Readonly<Record<string, string>>;
  /** Where the file of a name is, for people. */
  readonly locate: (name: string) => string;
  /** What its bundle says; absent for plain files. */
  readonly bundle?: { readonly version: number; readonly expiresMs?: number };
  /** Why it cannot be used, before its rules were looked at. */
  readonly problems: readonly Problem[];
  /** What is no reason against it and deserves a look. */
  readonly warnings: readonly Problem[];
}

/** Reads the policy as it is now. `inForce`: the bundle that is in use, for a newer one to be held against. Never throws for a bad policy. */
export type ReadPolicy = (inForce?: { readonly version: number; readonly digest: Digest }) => Promise<PolicyReading>;

/** A policy that may be taken into use. */
export interface ReadyPolicy {
  readonly policy: Policy;
  /** What agents may see of it. */
  readonly shown: PublicPolicy;
  readonly warnings: readonly Problem[];
  readonly bundle?: PolicyReading["bundle"];
}

/**
 * Loads what was read, to be explained, tested or compared. Not for what runs: a rule may be weaker than it says, see {@link loadReading}.
 *
 * @throws {PolicyError} with the place of every mistake.
 */
export async function loadToLookAt({ files, locate, problems }: PolicyReading): Promise<Policy> {
  if (problems.length > 0) throw new PolicyError(problems);
  await loadParser();
  try {
    return loadPolicy(files);
  } catch (error) {
    if (!(error instanceof DocumentError)) throw error;
    throw new PolicyError(error.problems.map((one) => ({ ...one, file: locate(one.file) })));
  }
}

/**
 * Loads what was read, to be enforced.
 *
 * @throws {PolicyError} with the place of every mistake, and of every rule that would be weaker than it says.
 */
export async function loadReading(reading: PolicyReading): Promise<ReadyPolicy> {
  const { locate, bundle, warnings } = reading;
  const placed = (all: readonly Problem[]) => all.map((one) => ({ ...one, file: locate(one.file) }));
  const policy = await loadToLookAt(reading);
  const asked = unenforced(policy);
  if (asked.refused.length > 0) throw new PolicyError(placed(asked.refused));
  return { policy, shown: publicPolicy(policy), warnings: [...warnings, ...placed(asked.warnings)], ...(bundle && { bundle }) };
}
