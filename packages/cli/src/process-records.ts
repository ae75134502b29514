import type { AuditLog, RecordDraft } from "@countersign/audit";
import type { Digest, Policy, ReadyPolicy } from "@countersign/policy";
import type { Config } from "./config/load.ts";
import { version } from "./version.ts";

/** The writer of records that are about the whole process; the control plane's own. */
const writer = "control";

/**
 * Records that the process started, and with which policy: the policy's texts are the payload, so that every later record's policy digest can
 * be looked up.
 *
 * @throws {AuditError} `unavailable`: what cannot be recorded does not start.
 */
export async function recordStart(audit: AuditLog, timeMs: number, config: Config, policy: Policy): Promise<void> {
  const { sidecar, resources, approvers } = config.settings;
  const start: RecordDraft = {
    type: "start",
    timeMs,
    policy: policy.digest,
    detail: {
      version: version(),
      node: process.version,
      sidecar: sidecar.name,
      resources: resources.map(({ name }) => name),
      approvers: approvers.map(({ name, groups, accounts }) => ({ name, groups, ...(accounts && { accounts }) })),
    },
  };
  await audit.append(writer, [start, policyRecord(timeMs, policy)], "durable");
}

/**
 * Records that another policy is about to be in force. Decisions by the one before that were made meanwhile may still follow.
 *
 * @throws {AuditError} `unavailable`: what cannot be recorded is not taken into use.
 */
export async function recordPolicy(
  audit: AuditLog,
  timeMs: number,
  { policy, bundle }: ReadyPolicy,
  previous: Digest,
): Promise<void> {
  const detail = { previous, ...(bundle && { bundle: bundle.version }) };
  await audit.append(writer, [{ ...policyRecord(timeMs, policy), detail }], "durable");
}

function policyRecord(timeMs: number, policy: Policy): RecordDraft {
  return { type: "policy", timeMs, policy: policy.digest, payload: Buffer.from(JSON.stringify(policy.files)) };
}

/**
 * Records that the process stopped by itself; a start without a stop before it tells of a crash.
 *
 * @throws {AuditError} `unavailable`.
 */
export async function recordStop(audit: AuditLog, timeMs: number): Promise<void> {
  await audit.append(writer, [{ type: "stop", timeMs }], "durable");
}
