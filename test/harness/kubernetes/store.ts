import { randomUUID } from "node:crypto";
import { ApiError, type ApiObject, type Fields, fieldsOf, isFields, listOf, textOf } from "./object.ts";
import { groupVersion, type ResourceKind, resourceKinds } from "./resource-kinds.ts";

/** What watchers are told. */
export interface Change {
  readonly type: "ADDED" | "MODIFIED" | "DELETED";
  readonly version: number;
  readonly kind: ResourceKind;
  readonly object: ApiObject;
}

/** The objects of a cluster, each with a uid and a resourceVersion that counts up over all of them (API concepts, "Resource versions"). */
export class ObjectStore {
  readonly changes: Change[] = [];
  readonly #objects = new Map<ResourceKind, Map<string, ApiObject>>();
  readonly #watchers = new Set<(change: Change) => void>();
  readonly #now: () => number;
  #version = 100;

  constructor(now: () => number) {
    this.#now = now;
  }

  get version(): string {
    return String(this.#version);
  }

  /** Called for each change from now on, until it is disposed. */
  watch(tell: (change: Change) => void): Disposable {
    this.#watchers.add(tell);
    return { [Symbol.dispose]: () => void this.#watchers.delete(tell) };
  }

  /** In the order of names; in all namespaces with "". */
  list(kind: ResourceKind, namespace = ""): ApiObject[] {
    const all = [...(this.#objects.get(kind)?.entries() ?? [])].sort(([a], [b]) => (a < b ? -1 : 1));
    return all.map(([, object]) => object).filter((one) => namespace === "" || one.metadata.namespace === namespace);
  }

  find(kind: ResourceKind, namespace: string, name: string): ApiObject | undefined {
    return this.#objects.get(kind)?.get(`${kind.namespaced ? namespace : ""}/${name}`);
  }

  /** @throws {ApiError} 404. */
  get(kind: ResourceKind, namespace: string, name: string): ApiObject {
    const found = this.find(kind, namespace, name);
    if (found !== undefined) return found;
    throw new ApiError(404, "NotFound", `${kind.resource}${kind.group && `.${kind.group}`} "${name}" not found`, {
      ...{ name, kind: kind.resource, ...(kind.group !== "" && { group: kind.group }) },
    });
  }

  /** Puts objects there before a test, e.g. `{ kind: "Pod", metadata: { name, namespace } }`. */
  seed(...objects: readonly Fields[]): ApiObject[] {
    return objects.map((given) => {
      const kind = kindOf(String(given.kind));
      const namespace = textOf(given.metadata, "namespace") ?? (kind.namespaced ? "default" : "");
      return this.put(kind, this.shaped(kind, namespace, given));
    });
  }

  /** An object as it would be stored, without storing it. The uid and creation of `before` stay. */
  shaped(kind: ResourceKind, namespace: string, given: Fields, before?: ApiObject): ApiObject {
    const asked = fieldsOf(given, "metadata");
    const generated = textOf(asked, "generateName");
    const name = textOf(asked, "name") ?? (generated && `${generated}${randomUUID().slice(0, 5)}`);
    if (name === undefined || name === "")
      throw new ApiError(
        422,
        "Invalid",
        `${kind.kind} is invalid: metadata.name: Required value: name or generateName is required`,
      );
    const { uid = randomUUID(), creationTimestamp = this.time() } = before?.metadata ?? {};
    const metadata = {
      ...{ ...asked, name, ...(kind.namespaced && { namespace }), uid, creationTimestamp },
      resourceVersion: before?.metadata.resourceVersion ?? this.version,
      generation: generationOf(given, before),
    };
    return withStatus({ ...structuredClone(given), apiVersion: groupVersion(kind), kind: kind.kind, metadata });
  }

  /** Stores it under a new version. */
  put(kind: ResourceKind, object: ApiObject): ApiObject {
    const { namespace = "", name } = object.metadata;
    const key = `${kind.namespaced ? namespace : ""}/${name}`;
    const all = this.#objects.get(kind) ?? new Map<string, ApiObject>();
    this.#objects.set(kind, all);
    const type = all.has(key) ? "MODIFIED" : "ADDED";
    this.#version++;
    const stored = { ...object, metadata: { ...object.metadata, resourceVersion: this.version } };
    all.set(key, stored);
    this.#tell({ type, version: this.#version, kind, object: stored });
    return stored;
  }

  /** Takes it away; with a namespace everything in it. */
  remove(kind: ResourceKind, object: ApiObject): void {
    const { namespace = "", name } = object.metadata;
    if (kind.resource === "namespaces")
      for (const one of resourceKinds.filter((each) => each.namespaced))
        for (const inside of this.list(one, name)) this.remove(one, inside);
    this.#objects.get(kind)?.delete(`${kind.namespaced ? namespace : ""}/${name}`);
    this.#version++;
    const last = { ...object, metadata: { ...object.metadata, resourceVersion: this.version } };
    this.#tell({ type: "DELETED", version: this.#version, kind, object: last });
  }

  /** The time now, RFC 3339 without fractions. */
  time(): string {
    return new Date(this.#now()).toISOString().replace(/\.\d+Z$/, "Z");
  }

  #tell(change: Change): void {
    this.changes.push(change);
    for (const tell of [...this.#watchers]) tell(change);
  }
}

/** The resource of a kind of object. */
export function kindOf(name: string): ResourceKind {
  const kind = resourceKinds.find((one) => one.kind === name);
  if (kind !== undefined) return kind;
  throw new Error(`no resource has the kind ${JSON.stringify(name)}`);
}

/** Counts changes of the specification (API conventions, "Metadata"). */
function generationOf(given: Fields, before: ApiObject | undefined): number {
  const last = before?.metadata.generation;
  if (typeof last !== "number") return 1;
  return JSON.stringify(before?.spec) === JSON.stringify(given.spec) ? last : last + 1;
}

/** What controllers would have written soon after. */
function withStatus(object: ApiObject): ApiObject {
  const { kind, metadata, spec, status } = object;
  if (kind === "Namespace") return { ...object, spec: spec ?? { finalizers: ["kubernetes"] }, status: { phase: "Active" } };
  if (kind === "Pod" && status === undefined) {
    const containerStatuses = listOf(spec, "containers").map((one) => ({
      ...{ name: textOf(one, "name"), image: textOf(one, "image"), ready: true, restartCount: 0, started: true },
      state: { running: { startedAt: metadata.creationTimestamp } },
    }));
    return { ...object, status: { phase: "Running", podIP: "10.0.0.7", containerStatuses } };
  }
  if (kind !== "Deployment" && kind !== "ReplicaSet") return object;
  const replicas = isFields(spec) && typeof spec.replicas === "number" ? spec.replicas : 1;
  const ready = { replicas, updatedReplicas: replicas, readyReplicas: replicas, availableReplicas: replicas };
  const conditions = [{ type: "Available", status: "True" }];
  return {
    ...{ ...object, spec: { ...fieldsOf(object, "spec"), replicas } },
    status: { observedGeneration: metadata.generation, ...ready, conditions },
  };
}
