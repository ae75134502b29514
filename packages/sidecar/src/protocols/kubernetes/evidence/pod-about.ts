import type { Json, KubernetesFacts } from "@countersign/policy";
import { type About, aboutObject, fields, list, told } from "./object-about.ts";

const defaultContainer = "kubectl.kubernetes.io/default-container";

/** Where a session in a pod would run: the container, its image, the node, what controls it, and what it may do. */
export function aboutPod(pod: Json | undefined, { container: asked }: KubernetesFacts): About {
  const { metadata, spec: given, status } = fields(pod);
  const spec = fields(given);
  const wanted = asked || fields(fields(metadata).annotations)[defaultContainer];
  const containers = list(spec.containers).map(fields);
  const all = [...containers, ...list(spec.initContainers).map(fields), ...list(spec.ephemeralContainers).map(fields)];
  const container = wanted === undefined || wanted === "" ? containers[0] : all.find(({ name }) => name === wanted);
  const state = list(fields(status).containerStatuses)
    .map(fields)
    .find(({ name }) => name === container?.name);
  const powers = [
    ...(fields(container?.securityContext).privileged === true ? ["privileged"] : []),
    ...["hostNetwork", "hostPID", "hostIPC"].filter((name) => spec[name] === true),
  ];
  return [
    ...aboutObject(pod),
    ...told("Container", container?.name),
    ...told("Image", container?.image),
    ...told("Restarts", state?.restartCount),
    ...told("Phase", fields(status).phase),
    ...told("Node", spec.nodeName),
    ...told("Service account", spec.serviceAccountName),
    ...(powers.length === 0 ? [] : [{ name: "Runs with", text: powers.join(", ") }]),
    ...told("UID", fields(metadata).uid),
  ];
}
