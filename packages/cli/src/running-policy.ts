import type { AuditLog } from "@countersign/audit";
import { loadReading, type PolicyReading, type ReadPolicy, type ReadyPolicy } from "@countersign/policy";
import { PolicySource } from "@countersign/sidecar";
import { readLastBundle, writeLastBundle } from "./config/last-bundle.ts";
import type { Config } from "./config/load.ts";
import { configuredPolicy } from "./config/policy.ts";
import { recordPolicy } from "./process-records.ts";

/** The policy that a process starts with. */
export interface FirstPolicy {
  readonly config: Config;
  readonly read: ReadPolicy;
  readonly reading: PolicyReading;
  readonly ready: ReadyPolicy;
}

/**
 * Reads the configured policy for a start. Nothing is written.
 *
 * @throws {PolicyError} with the place of every mistake, or why its bundle is not used.
 * @throws {CliError} when the note of the last bundle is damaged.
 */
export async function readFirstPolicy(config: Config, nowMs: () => number): Promise<FirstPolicy> {
  const read = configuredPolicy(config, nowMs);
  // What nobody signed can go back as its owner likes; that it was in force is in the audit log.
  const reading = await read(config.settings.policyKeys && (await readLastBundle(config.data)));
  return { config, read, reading, ready: await loadReading(reading) };
}

/** Follows the policy from its start on; what is taken into use is in the audit log first. */
export async function followPolicy(
  { config, read, reading, ready }: FirstPolicy,
  parts: { readonly audit: AuditLog; readonly now: () => number; readonly onInternalError: (error: unknown) => void },
): Promise<PolicySource> {
  const { audit, now, onInternalError } = parts;
  const note = async ({ policy, bundle }: ReadyPolicy): Promise<void> => {
    if (config.settings.policyKeys && bundle)
      await writeLastBundle(config.data, { version: bundle.version, digest: policy.digest });
  };
  await note(ready);
  const record: ConstructorParameters<typeof PolicySource>[1]["record"] = async (next, previous) => {
    await recordPolicy(audit, now(), next, previous);
    await note(next);
  };
  return new PolicySource({ reading, ready }, { read, record, now, onInternalError });
}
