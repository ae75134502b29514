import type { Policy } from "@countersign/policy";
import type { EmbeddedControlPlane } from "../../packages/control/src/embedded.ts";
import type { KeyPair } from "../../packages/control/src/keys.ts";
import { Classifier } from "../../packages/sidecar/src/classifier.ts";
import { Guard, type GuardParts } from "../../packages/sidecar/src/guard.ts";
import { noPassages } from "../../packages/sidecar/src/native/no-passages.ts";
import { Persistence } from "../../packages/sidecar/src/persist.ts";
import type { Connector } from "../../packages/sidecar/src/protocols/connector.ts";
import { Resources } from "../../packages/sidecar/src/resources.ts";
import type { Results } from "../../packages/sidecar/src/results.ts";
import type { OnStep } from "../../packages/sidecar/src/step.ts";

/** What a guard is put together from when no sidecar is around it. */
export interface GuardOptions {
  readonly plane: EmbeddedControlPlane<GuardParts["audit"]>;
  readonly voteKey: KeyPair["publicKey"];
  readonly policy: () => Policy;
  readonly resource: string;
  readonly roles: readonly string[];
  readonly connector: Connector;
  readonly results: Results;
  readonly random: (size: number) => Buffer;
  readonly onStep: OnStep;
}

/** The name under which it opens requests. */
export const writer = "local";

/** A guard over a control plane in this process, without listeners: what spans packages drives it directly. */
export function openGuard(options: GuardOptions): { readonly guard: Guard; readonly parts: GuardParts } {
  const { plane, policy, resource, roles, connector, results, random, onStep, voteKey } = options;
  const { requests, audit, revocations, grants, evidence, now } = plane;
  const parts: GuardParts = {
    ...{ requests, audit, revocations, grants, evidence, now, writer, policy, results, random, onStep, voteKey },
    resources: new Resources([{ name: resource, type: "postgres", labels: {}, roles, searchPath: ["public"], connector }]),
    classifier: new Classifier(),
    persistence: new Persistence(),
    limits: { statementBytes: 4096, parameterBytes: 4096, pendingPerPrincipal: 1_000_000 },
    strict: false,
    graceMs: 0,
    passages: noPassages,
    approvalUrl: () => "",
  };
  return { guard: new Guard(parts), parts };
}
