import { CountersignError, type Facts, type Operation } from "@countersign/policy";
import type { GuardedResource } from "../../resources.ts";
import type { UpgradeKind } from "../request/upgrade/upgrade-kind.ts";
import { isKubernetesTarget, type KubernetesTarget } from "./connector.ts";
import { takesInput } from "./stream/pod.ts";
import { forwarding, versions } from "./stream/subprotocol.ts";

const spoken: readonly string[] = [...versions, ...forwarding];

/** How kubectl and client libraries get their sessions in pods. */
export const podUpgrades: UpgradeKind = {
  protocols: (offered) => {
    // A token among them is left for classification to refuse: it would be another caller's.
    const known = offered.filter((one) => spoken.includes(one) || one.startsWith("base64url."));
    if (known.length > 0) return known;
    throw new CountersignError("invalid_request", `None of the offered subprotocols is spoken; there are ${spoken.join(", ")}.`);
  },
  accept: (resource: GuardedResource, operation: Operation, facts: Facts) => targetOf(resource).acceptClient(operation, facts),
  needsUnseen: (operation) => operation.kind === "kubernetes.request" && takesInput(operation),
  dispatch: (resource, operation, way) => targetOf(resource).upgrade(operation, way),
};

function targetOf({ name, connector }: GuardedResource): KubernetesTarget {
  if (isKubernetesTarget(connector)) return connector;
  throw new CountersignError("unknown_resource", `${name} is no Kubernetes cluster.`);
}
