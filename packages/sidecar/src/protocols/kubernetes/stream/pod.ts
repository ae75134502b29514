import { CountersignError, classify, type KubernetesFacts, type KubernetesRequest } from "@countersign/policy";
import { z } from "zod";
import type { SmallAnswer } from "../small-answer.ts";

/** A session in a pod, as an operation names it. */
export interface PodStream {
  readonly subresource: "exec" | "attach" | "portforward";
  readonly namespace: string;
  readonly name: string;
  /** `""` = none is named. */
  readonly container: string;
}

/**
 * Asks the API server for an object, by its path.
 *
 * @throws {CountersignError} `target_unavailable`, `target_credentials`.
 */
export type ReadPod = (path: string) => Promise<SmallAnswer>;

const named = z.array(z.object({ name: z.string() })).nullish();

/** Of a pod what says which one it is, and where a session in it would be (k8s.io/api/core/v1/types.go). */
const podSchema = z.object({
  metadata: z.object({
    name: z.string(),
    namespace: z.string(),
    uid: z.string().regex(/^[\w-]{1,128}$/),
    annotations: z.record(z.string(), z.string()).nullish(),
  }),
  spec: z.object({
    containers: z.array(z.object({ name: z.string() })).min(1),
    initContainers: named,
    ephemeralContainers: named,
  }),
});

/** What kubectl looks at, too (k8s.io/kubectl/pkg/cmd/util/podcmd). */
const defaultAnnotation = "kubectl.kubernetes.io/default-container";

/** The session that an operation asks for; undefined when it asks for none. */
export function podStreamOf({
  group,
  resource,
  subresource,
  namespace,
  name,
  container,
}: KubernetesFacts): PodStream | undefined {
  if (group !== "" || resource !== "pods") return undefined;
  if (subresource !== "exec" && subresource !== "attach" && subresource !== "portforward") return undefined;
  return { subresource, namespace, name, container };
}

/** Whether an operation asks for one; false for what classification refuses anyway. */
export function isPodStream(operation: KubernetesRequest): boolean {
  return factsOfStream(operation) !== undefined;
}

/** Whether what a client sends while it is open means something: standard input, a terminal, a tunnel. */
export function takesInput(operation: KubernetesRequest): boolean {
  const facts = factsOfStream(operation);
  return facts !== undefined && (facts.stdin || facts.subresource === "portforward");
}

function factsOfStream(operation: KubernetesRequest): KubernetesFacts | undefined {
  try {
    const facts = classify(operation, { searchPath: [] });
    return facts.protocol === "kubernetes" && podStreamOf(facts.kubernetes) !== undefined ? facts.kubernetes : undefined;
  } catch (error) {
    if (error instanceof CountersignError) return undefined;
    throw error;
  }
}

/**
 * What an operation does not say about its pod; undefined when it says which one it means, and where in it.
 */
export function lacksOfPod({ uid }: KubernetesRequest, { subresource, container }: PodStream): string | undefined {
  if (uid === undefined) return "the pod's uid";
  return container === "" && subresource !== "portforward" ? "the container" : undefined;
}

/**
 * The same operation with the UID that its pod has now, and with the container that it would run in.
 *
 * @throws {CountersignError} `invalid_operation` when the pod has no such container, `digest_mismatch` when the operation names another UID, and
 * as `read`.
 */
export async function pinToPod(operation: KubernetesRequest, stream: PodStream, read: ReadPod): Promise<KubernetesRequest> {
  const { uid, containers, first } = await readPod(stream, read);
  if (operation.uid !== undefined) requireUid(operation.uid, uid, stream);
  const pinned = { ...operation, uid };
  if (stream.subresource === "portforward") return pinned;
  const { container, name } = stream;
  if (container !== "" && !containers.includes(container))
    throw new CountersignError(
      "invalid_operation",
      `The pod ${name} has no container ${container}; it has ${containers.join(", ")}.`,
    );
  if (container !== "") return pinned;
  const separator = /[?&]$/.test(operation.path) ? "" : operation.path.includes("?") ? "&" : "?";
  return { ...pinned, path: `${operation.path}${separator}container=${encodeURIComponent(first)}` };
}

/**
 * Makes sure that the pod is still the one that was asked for.
 *
 * @throws {CountersignError} `digest_mismatch` when another one has its name by now; as `read`, also when there is none.
 */
export async function requireSamePod({ uid = "" }: KubernetesRequest, stream: PodStream, read: ReadPod): Promise<void> {
  requireUid(uid, (await readPod(stream, read)).uid, stream);
}

function requireUid(asked: string, found: string, { namespace, name }: PodStream): void {
  if (asked === found) return;
  const message = `Nothing was run: the pod ${namespace}/${name} is not the one that was asked for; it has the UID ${found} and not ${asked}. Ask again.`;
  throw new CountersignError("digest_mismatch", message);
}

async function readPod({ namespace, name }: PodStream, read: ReadPod) {
  // What no object is called never becomes a part of a path (k8s.io/apimachinery/pkg/util/validation, DNS-1123).
  for (const one of [namespace, name])
    if (one.length > 253 || !/^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/.test(one) || one.includes(".."))
      throw new CountersignError("invalid_operation", `${JSON.stringify(one)} is no name of a namespace or pod.`);
  const { status, value } = await read(`/api/v1/namespaces/${namespace}/pods/${name}`);
  if (status !== 200) throw unread(status, `${namespace}/${name}`);
  const { success, data } = podSchema.safeParse(value);
  if (!success || data.metadata.name !== name || data.metadata.namespace !== namespace)
    throw new CountersignError(
      "target_error",
      `What the target gave for the pod ${namespace}/${name} is not that pod; nothing was run.`,
    );
  const { metadata, spec } = data;
  const containers = [spec.containers, spec.initContainers ?? [], spec.ephemeralContainers ?? []].flat().map((one) => one.name);
  const wanted = metadata.annotations?.[defaultAnnotation];
  const first = wanted !== undefined && containers.includes(wanted) ? wanted : (containers[0] ?? "");
  return { uid: metadata.uid, containers, first };
}

/** Without the words of the target, which may hold what nobody here may see. */
function unread(status: number, pod: string): CountersignError {
  const targetCode = String(status);
  if (status === 401 || status === 403)
    return new CountersignError(
      "target_credentials",
      `The role may not read the pod ${pod} (${status}), so that it cannot be told which one is meant: grant it get on pods. Nothing was run.`,
      { targetCode },
    );
  if (status === 404) return new CountersignError("target_error", `There is no pod ${pod}; nothing was run.`, { targetCode });
  const message = `The target answered ${status} when it was asked for the pod ${pod}; nothing was run.`;
  return new CountersignError("target_unavailable", message, { retryable: true, targetCode });
}
