import type { Asking, Content } from "./action.ts";
import { CountersignError } from "./errors.ts";
import { ResponseParts, responseOf } from "./http-response.ts";
import { jsonOf, linesOf, requireSuccess, type WatchEvent, watchEvent } from "./kubernetes-answer.ts";
import { type PodExec, runPodExec, streamPodExec } from "./kubernetes-exec.ts";
import { type KubernetesKind, type KubernetesName, kubernetesPath, queryOf, resourceOfKind } from "./kubernetes-path.ts";
import { toSubmit } from "./operation.ts";
import type { CallSettings } from "./postgres.ts";
import type { ExecResult, OutputParts } from "./ssh.ts";
import type { Waiting } from "./waiting.ts";

/** What goes with every call. */
interface Calling extends Asking, Waiting {}

/** A request in the API server's own terms. */
export interface KubernetesRequestInit extends Calling {
  method?: string | undefined;
  /** Path and query, exactly as they are to be sent. */
  path: string;
  headers?: Readonly<Record<string, string>> | undefined;
  /** Bytes or text; an object is sent as JSON, as `application/json` unless `headers` say another type. */
  body?: Content | object | undefined;
}

/** What a list or a watch is of. */
export interface KubernetesSelection extends KubernetesKind, Calling {
  labelSelector?: string | undefined;
  fieldSelector?: string | undefined;
  resourceVersion?: string | undefined;
}

/** A page of a list. */
export interface KubernetesList<Value> {
  readonly metadata: { readonly resourceVersion?: string; readonly continue?: string; readonly remainingItemCount?: number };
  readonly items: readonly Value[];
}

/** An object as it is sent: more than these members is its own. */
export interface KubernetesObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
  readonly [member: string]: unknown;
}

/** Which log of a pod, and how much of it. */
export interface PodLog extends Calling {
  namespace: string;
  pod: string;
  /** May be left out where the pod has one. */
  container?: string | undefined;
  /** Goes on until the container ends. */
  follow?: boolean | undefined;
  /** Of the container that ran before the last restart. */
  previous?: boolean | undefined;
  sinceSeconds?: number | undefined;
  tailLines?: number | undefined;
  timestamps?: boolean | undefined;
}

/** Nothing is stored: what would be is answered. */
interface Trial {
  dryRun?: boolean | undefined;
}

/** The media types of patches. */
const patchTypes = {
  json: "application/json-patch+json",
  merge: "application/merge-patch+json",
  strategic: "application/strategic-merge-patch+json",
} as const;

/**
 * A Kubernetes cluster. Every call is one request to its API server, held where policy wants a person, and throws {@link CountersignError}: `denied`, `expired`,
 * `cancelled`, `revoked`: it was not sent. `target_error`: the API server refused it; `targetCode` is the reason of its `Status`, e.g. `NotFound`.
 * `unknown_outcome`, `target_lost`, `limit_exceeded`, `result_gone`, `sidecar_unreachable` that is not `retryable`: it may have been done.
 * `invalid_operation` for what is no name.
 */
export class KubernetesResource {
  /** The resource's configured name. */
  readonly name: string;
  readonly #settings: CallSettings;

  constructor(name: string, settings: CallSettings) {
    this.name = name;
    this.#settings = settings;
  }

  /** One request as it is; an answer of 400 and above is a response, no error. The body of a response streams. */
  async request({ method = "GET", path, headers: given = {}, body: sent, ...calling }: KubernetesRequestInit): Promise<Response> {
    const { session, defaults, connection } = this.#settings;
    const isContent = sent === undefined || typeof sent === "string" || sent instanceof Uint8Array;
    const body = isContent ? sent : JSON.stringify(sent);
    const isTyped = isContent || Object.keys(given).some((name) => name.toLowerCase() === "content-type");
    const headers = isTyped ? given : { ...given, "content-type": "application/json" };
    const action = {
      kind: "kubernetes.request",
      resource: this.name,
      method,
      path,
      headers,
      ...(body !== undefined && { body }),
    } as const;
    const submit = toSubmit(action, { ...calling, reason: calling.reason ?? defaults.reason ?? "" }, session);
    const waiting = { ...calling, timeout: calling.timeout ?? defaults.timeout };
    const parts = new ResponseParts(connection, { type: "execute", submit }, waiting);
    return await responseOf(parts, { method, url: path });
  }

  /** One object. */
  async get<Value = KubernetesObject>(which: KubernetesName & Calling): Promise<Value> {
    return await jsonOf(await this.request({ ...callingOf(which), path: one(which) }));
  }

  /** Objects of a kind; with `limit` a page of them, whose `metadata.continue` gets the next. */
  async list<Value = KubernetesObject>(
    which: KubernetesSelection & { limit?: number | undefined; continue?: string | undefined },
  ): Promise<KubernetesList<Value>> {
    const { labelSelector, fieldSelector, resourceVersion, limit, continue: from } = which;
    const query = queryOf({ labelSelector, fieldSelector, resourceVersion, limit, continue: from });
    return await jsonOf(await this.request({ ...callingOf(which), path: `${kubernetesPath(which)}${query}` }));
  }

  /** Each change of objects of a kind, as it happens; without `resourceVersion` first what is there. Leaving the loop ends it. */
  async *watch<Value = KubernetesObject>(which: KubernetesSelection): AsyncGenerator<WatchEvent<Value>, void, undefined> {
    const { labelSelector, fieldSelector, resourceVersion } = which;
    const query = queryOf({ watch: true, labelSelector, fieldSelector, resourceVersion });
    const response = await this.request({ ...callingOf(which), path: `${kubernetesPath(which)}${query}` });
    await requireSuccess(response);
    for await (const line of linesOf(response)) yield watchEvent<Value>(line);
  }

  /** Makes an object, or makes it so (server-side apply): what `fieldManager` applied before and does not any more is taken away. */
  async apply<Value = KubernetesObject>(
    which: {
      object: KubernetesObject;
      /** The plural name, where it is not the usual one. */
      resource?: string | undefined;
      fieldManager?: string | undefined;
      /** Takes fields from other managers. */
      force?: boolean | undefined;
    } & Trial &
      Calling,
  ): Promise<Value> {
    const { object, resource = resourceOfKind(object.kind), fieldManager = "countersign", force, dryRun } = which;
    const { apiVersion, metadata } = object;
    const query = queryOf({ fieldManager, force, dryRun: dryRun && "All" });
    const path = `${one({ resource, apiVersion, ...metadata })}${query}`;
    return await this.#send(which, "PATCH", path, object, "application/apply-patch+yaml");
  }

  /** Changes an object; `merge` (RFC 7386) when no type is given. */
  async patch<Value = KubernetesObject>(
    which: KubernetesName & { patch: unknown; type?: keyof typeof patchTypes | undefined } & Trial & Calling,
  ): Promise<Value> {
    const { patch, type = "merge", dryRun } = which;
    return await this.#send(which, "PATCH", `${one(which)}${queryOf({ dryRun: dryRun && "All" })}`, patch, patchTypes[type]);
  }

  /** Deletes one object: with `uid` no other one of the same name. Gives the API server's `Status`, or the object that is going. */
  async delete<Value = unknown>(
    which: KubernetesName & {
      uid?: string | undefined;
      propagationPolicy?: "Background" | "Foreground" | "Orphan" | undefined;
      gracePeriodSeconds?: number | undefined;
    } & Trial &
      Calling,
  ): Promise<Value> {
    const { uid, propagationPolicy, gracePeriodSeconds, dryRun } = which;
    const options = {
      ...(uid !== undefined && { preconditions: { uid } }),
      ...(propagationPolicy !== undefined && { propagationPolicy }),
      ...(gracePeriodSeconds !== undefined && { gracePeriodSeconds }),
      ...(dryRun === true && { dryRun: ["All"] }),
    };
    const body = Object.keys(options).length === 0 ? undefined : { apiVersion: "v1", kind: "DeleteOptions", ...options };
    return await this.#send(which, "DELETE", one(which), body);
  }

  /** Sets how many replicas there are to be; gives the `Scale`. */
  async scale<Value = unknown>(which: KubernetesName & { replicas: number } & Trial & Calling): Promise<Value> {
    const { replicas, dryRun } = which;
    const path = `${one(which)}/scale${queryOf({ dryRun: dryRun && "All" })}`;
    return await this.#send(which, "PATCH", path, { spec: { replicas } }, patchTypes.merge);
  }

  /** Replaces the pods of a Deployment, StatefulSet or DaemonSet one after the other, as `kubectl rollout restart` does. */
  async rolloutRestart<Value = KubernetesObject>(which: KubernetesName & { at?: Date | undefined } & Calling): Promise<Value> {
    const { at = new Date() } = which;
    const annotations = { "kubectl.kubernetes.io/restartedAt": at.toISOString() };
    const patch = { spec: { template: { metadata: { annotations } } } };
    return await this.#send(which, "PATCH", one(which), patch, patchTypes.strategic);
  }

  /** The lines that a container wrote, as they come. Leaving the loop ends it. */
  async *logs(which: PodLog): AsyncGenerator<string, void, undefined> {
    const { namespace, pod, container, follow, previous, sinceSeconds, tailLines, timestamps } = which;
    const query = queryOf({ container, follow, previous, sinceSeconds, tailLines, timestamps });
    const path = `${one({ resource: "pods", namespace, name: pod })}/log${query}`;
    const response = await this.request({ ...callingOf(which), path });
    await requireSuccess(response);
    yield* linesOf(response);
  }

  /** Runs a command in a container and gives its whole output. A code other than 0 is a result, no error. */
  exec(command: PodExec): Promise<ExecResult> {
    return runPodExec(this.name, command, this.#settings);
  }

  /** Runs a command in a container and gives its output as it comes. */
  execStream(command: PodExec): OutputParts {
    return streamPodExec(this.name, command, this.#settings);
  }

  async #send<Value>(which: Calling, method: string, path: string, value?: unknown, type = "application/json"): Promise<Value> {
    // A patch may be a list, or anything else that is JSON.
    const body = value === undefined ? {} : { headers: { "content-type": type }, body: JSON.stringify(value) };
    return await jsonOf(await this.request({ ...callingOf(which), method, path, ...body }));
  }
}

/** What an agent's model wrote into a call must not become another method or another body. */
function callingOf({ reason, idempotencyKey, timeout, signal, cancelOnAbort, onEvent }: Calling): Calling {
  return { reason, idempotencyKey, timeout, signal, cancelOnAbort, onEvent };
}

/** JavaScript callers may leave a name out: then the path would be that of all objects. */
function one(which: KubernetesName): string {
  if (typeof which.name === "string") return kubernetesPath(which);
  throw new CountersignError("invalid_operation", `name is missing: which of the ${which.resource} is meant?`);
}
