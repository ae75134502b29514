import type { KeyObject } from "node:crypto";
import type { Policy, PolicyStatusFeed, Principal, PublicPolicy } from "@countersign/policy";
import { Classifier } from "./classifier.ts";
import type { ControlPlane } from "./control-plane.ts";
import { Guard, type GuardLimits, type GuardParts } from "./guard.ts";
import { authenticator } from "./identity/authenticate.ts";
import { type Issuer, Tokens } from "./identity/tokens.ts";
import { FailedLogins } from "./native/failed-logins.ts";
import { Journal } from "./native/journal.ts";
import type { NativeHost, OpenNative } from "./native/listener.ts";
import { Persistence } from "./persist.ts";
import { randomPool } from "./random-pool.ts";
import { recover } from "./recovery.ts";
import { type GuardedResource, Resources } from "./resources.ts";
import { Results } from "./results.ts";
import { agentService } from "./server/agent-service.ts";
import { type ListenAddress, listen } from "./server/listener.ts";
import { startRecording } from "./sessions/recording.ts";
import type { OnStep } from "./step.ts";

/** How a sidecar is put together. */
export interface SidecarOptions {
  /** Its name in requests and in the audit log; stable across restarts. */
  readonly name: string;
  readonly resources: readonly GuardedResource[];
  /** The current policy. */
  readonly policy: () => Policy;
  /** Tells when another policy is in force. */
  readonly policyChanges: Pick<PolicyStatusFeed, "follow">;
  /** What agents may see of it. */
  readonly shownPolicy: () => PublicPolicy;
  readonly controlPlane: ControlPlane;
  /** The public key that session votes are signed with (Ed25519). */
  readonly voteKey: KeyObject;
  readonly issuers: readonly Issuer[];
  readonly listeners: readonly { readonly address: ListenAddress; readonly identity?: Principal }[];
  /** Ways in for unmodified clients. */
  readonly natives?: readonly OpenNative[];
  readonly limits: GuardLimits;
  /** Make records of auto-allowed reads durable before dispatch too. */
  readonly strictAudit: boolean;
  /** Where results of durable requests are kept, and the 32-byte key that encrypts them. */
  readonly results: { readonly folder: string; readonly key: Buffer; readonly capBytes: number; readonly keepMs: number };
  /** Where what unmodified clients are allowed is noted before it is sent, and the 32-byte key that encrypts it. */
  readonly journal: { readonly folder: string; readonly key: Buffer };
  readonly approvalUrl: (id: string) => string;
  /** How long a live request waits for its caller to come back after a restart, milliseconds. */
  readonly graceMs: number;
  readonly now: () => number;
  readonly onInternalError: (error: unknown) => void;
  /** Told of every named step of a guarded call; tests stop the process there. */
  readonly onStep?: OnStep;
}

/** A running sidecar. */
export interface Sidecar {
  /** What clients dial, one for each listener. */
  readonly addresses: readonly string[];
  /** What unmodified clients dial, one for each of `natives`. */
  readonly nativeAddresses: readonly string[];
  /** The request that a held one would become with another operation, e.g. an approver's; nothing is stored. */
  readonly redraft: Guard["redraft"];
  /** Refuses new calls, lets go of what is held, stops what runs, closes every connection. */
  close(): Promise<void>;
}

const sweepMs = 60 * 60_000;
const closeGraceMs = 2_000;

/** Starts a sidecar: recovers what a predecessor left, then opens the listeners. */
export async function startSidecar(options: SidecarOptions): Promise<Sidecar> {
  const { now, approvalUrl, policy, limits } = options;
  const resources = new Resources(options.resources);
  const classifier = new Classifier();
  const persistence = new Persistence();
  const results = new Results({ ...options.results, now });
  await results.sweep();
  const sweeper = setInterval(() => void results.sweep().catch(options.onInternalError), sweepMs).unref();
  const random = randomPool();
  const { audit } = options.controlPlane;
  const journal = await Journal.open({
    ...{ ...options.journal, audit, now, random, writer: options.name, strict: options.strictAudit },
    target: (resource, role) => resources.get(resource).connector.target(role),
    onInternalError: options.onInternalError,
  });
  const parts: GuardParts = {
    ...{ resources, classifier, persistence, results, policy, limits, approvalUrl, now },
    requests: options.controlPlane.requests,
    ...{ audit, random, passages: (connection) => journal.passages(connection) },
    revocations: options.controlPlane.revocations,
    grants: options.controlPlane.grants,
    evidence: options.controlPlane.evidence,
    writer: options.name,
    voteKey: options.voteKey,
    strict: options.strictAudit,
    graceMs: options.graceMs,
    onStep: options.onStep ?? (() => {}),
  };
  const guard = new Guard(parts);
  await recover(guard, parts);
  const ending = new AbortController();
  const following = followPolicy(guard, options, ending.signal);
  const tokens = new Tokens(options.issuers, now);
  // Wider than the limits, so that what is too large is refused by them, with a record, and not by the transport without one.
  const largestMessage = 4 * (limits.statementBytes + limits.parameterBytes);
  const listeners = await Promise.all(
    options.listeners.map(({ address, identity }) => {
      const authenticate = authenticator(tokens, identity);
      const { onInternalError } = options;
      return listen(
        address,
        agentService({ guard, resources, shownPolicy: options.shownPolicy, approvalUrl, authenticate, onInternalError }),
        largestMessage,
      );
    }),
  );
  const { natives = [], onInternalError } = options;
  const failedLogins = new FailedLogins({ audit, writer: options.name, now });
  const record: NativeHost["record"] = (about) => startRecording(about, parts);
  const host: NativeHost = { guard, resources, tokens, failedLogins, journal, approvalUrl, now, random, record, onInternalError };
  const ways = await Promise.all(natives.map((open) => open(host)));
  return {
    nativeAddresses: ways.map((way) => way.address),
    addresses: listeners.map((listener) => listener.address),
    redraft: (...edit) => guard.redraft(...edit),
    async close() {
      clearInterval(sweeper);
      ending.abort();
      await following;
      const closing = Promise.all([...listeners, ...ways].map((listener) => listener.close(closeGraceMs)));
      await guard.close();
      await closing;
      await failedLogins.close();
      await journal.close();
      await classifier[Symbol.asyncDispose]();
      await persistence[Symbol.asyncDispose]();
      await resources.close();
    },
  };
}

/** Has what is held decided anew whenever another policy is in force. */
async function followPolicy(
  guard: Guard,
  { policyChanges, onInternalError }: Pick<SidecarOptions, "policyChanges" | "onInternalError">,
  signal: AbortSignal,
): Promise<void> {
  try {
    for await (const _status of policyChanges.follow(signal)) guard.policyChanged();
  } catch (error) {
    onInternalError(error);
  }
}
