import { parse } from "yaml";
import type { Asked } from "./asked.ts";
import { ApiError, type ApiObject, type Fields, fieldsOf, isFields, listOf, textOf } from "./object.ts";
import { patches } from "./patching.ts";
import { listFrom, scaleOf } from "./reading.ts";
import type { ResourceKind } from "./resource-kinds.ts";
import { selected } from "./selecting.ts";
import { kindOf, type ObjectStore } from "./store.ts";

/** What a write answers. */
export interface Written {
  readonly status: number;
  readonly body: Fields;
}

/** Creates, updates, patches or deletes; with `dryRun=All` nothing is stored (API concepts, "Dry-run"). */
export function write(store: ObjectStore, kind: ResourceKind, asked: Asked): Written {
  const { verb = "", namespace = "", name = "", subresource = "" } = asked.attributes ?? {};
  const body = asked.body.length === 0 ? undefined : bodyOf(asked);
  const keeps = (object: ApiObject) => (isDryRun(asked, body) ? object : store.put(kind, object));
  switch (verb) {
    case "create": {
      if (!isFields(body)) throw new ApiError(400, "BadRequest", "the body of the request was empty");
      const object = store.shaped(kind, namespace, body);
      needNamespace(store, kind, namespace);
      if (store.find(kind, namespace, object.metadata.name) !== undefined)
        throw new ApiError(409, "AlreadyExists", `${kind.resource} "${object.metadata.name}" already exists`);
      return { status: 201, body: keeps(object) };
    }
    case "update": {
      if (!isFields(body)) throw new ApiError(400, "BadRequest", "the body of the request was empty");
      const before = store.get(kind, namespace, name);
      const asks = textOf(body.metadata, "resourceVersion");
      if (asks !== undefined && asks !== before.metadata.resourceVersion) throw conflict(kind, name);
      if (subresource === "scale") return scaled(before, body, (given) => keeps(store.shaped(kind, namespace, given, before)));
      return { status: 200, body: keeps(store.shaped(kind, namespace, body, before)) };
    }
    case "patch":
      return patched(store, kind, asked, body, keeps);
    default:
      return deleted(store, kind, asked, body);
  }
}

function patched(
  store: ObjectStore,
  kind: ResourceKind,
  asked: Asked,
  body: unknown,
  keeps: (object: ApiObject) => ApiObject,
): Written {
  const { namespace = "", name = "", subresource = "" } = asked.attributes ?? {};
  const type = mediaType(asked);
  const patch = patches[type];
  if (patch === undefined) throw new ApiError(415, "UnsupportedMediaType", `the patch type ${type} is not supported`);
  const isApply = type === "application/apply-patch+yaml";
  if (isApply && (asked.query.get("fieldManager") ?? "") === "")
    throw new ApiError(
      400,
      "BadRequest",
      "PatchOptions.meta.k8s.io is invalid: fieldManager: Required value: is required for apply patch",
    );
  const before = store.find(kind, namespace, name);
  if (before === undefined) {
    if (!isApply || !isFields(body)) return { status: 404, body: { ...store.get(kind, namespace, name) } };
    needNamespace(store, kind, namespace);
    return { status: 201, body: keeps(managed(store.shaped(kind, namespace, body), asked)) };
  }
  if (subresource === "scale")
    return scaled(before, patch(scaleOf(before), body), (given) => keeps(store.shaped(kind, namespace, given, before)));
  const after = patch(structuredClone(before), body);
  if (!isFields(after)) throw new ApiError(422, "Invalid", "the patch makes no object");
  if (textOf(after.metadata, "resourceVersion") !== before.metadata.resourceVersion) throw conflict(kind, name);
  const shaped = store.shaped(kind, namespace, after, before);
  return { status: 200, body: keeps(isApply ? managed(shaped, asked) : shaped) };
}

/** Says who applied it, and nothing of which fields. */
function managed(object: ApiObject, { query }: Asked): ApiObject {
  const manager = query.get("fieldManager");
  const others = listOf(object.metadata, "managedFields").filter((one) => textOf(one, "manager") !== manager);
  const mine = { manager, operation: "Apply", apiVersion: object.apiVersion, fieldsType: "FieldsV1", fieldsV1: {} };
  return { ...object, metadata: { ...object.metadata, managedFields: [...others, mine] } };
}

function scaled(before: ApiObject, given: unknown, keeps: (given: Fields) => ApiObject): Written {
  const { replicas } = fieldsOf(given, "spec");
  if (typeof replicas !== "number") throw new ApiError(422, "Invalid", "spec.replicas: Required value");
  return { status: 200, body: scaleOf(keeps({ ...before, spec: { ...fieldsOf(before, "spec"), replicas } })) };
}

function deleted(store: ObjectStore, kind: ResourceKind, asked: Asked, body: unknown): Written {
  const { namespace = "", name = "", verb = "" } = asked.attributes ?? {};
  const dry = isDryRun(asked, body);
  if (verb === "deletecollection") {
    const fits = selected(asked.query);
    const gone = store.list(kind, namespace).filter(fits);
    if (!dry) for (const object of gone) store.remove(kind, object);
    return { status: 200, body: listFrom(kind, gone, { resourceVersion: store.version }) };
  }
  const object = store.get(kind, namespace, name);
  const { uid } = object.metadata;
  const asks = textOf(fieldsOf(body, "preconditions"), "uid");
  if (asks !== undefined && asks !== uid)
    throw new ApiError(409, "Conflict", `Precondition failed: UID in precondition: ${asks}, UID in object meta: ${uid}`);
  if (!dry) store.remove(kind, object);
  const details = { name, kind: kind.resource, uid, ...(kind.group !== "" && { group: kind.group }) };
  return { status: 200, body: { kind: "Status", apiVersion: "v1", metadata: {}, status: "Success", details } };
}

/** Of a delete with a body only the body counts. */
function isDryRun({ query, attributes }: Asked, body: unknown): boolean {
  const isDelete = attributes?.verb.startsWith("delete") ?? false;
  const asks = isDelete && isFields(body) ? listOf(body, "dryRun") : query.getAll("dryRun");
  if (asks.some((one) => one !== "All")) throw new ApiError(422, "Invalid", "dryRun: supported values: All");
  return asks.length > 0;
}

function needNamespace(store: ObjectStore, kind: ResourceKind, namespace: string): void {
  if (!kind.namespaced || store.find(kindOf("Namespace"), "", namespace) !== undefined) return;
  throw new ApiError(404, "NotFound", `namespaces "${namespace}" not found`, { name: namespace, kind: "namespaces" });
}

function conflict({ resource, group }: ResourceKind, name: string): ApiError {
  const message = `Operation cannot be fulfilled on ${resource} "${name}": the object has been modified; please apply your changes to the latest version and try again`;
  return new ApiError(409, "Conflict", message, { name, group, kind: resource });
}

function mediaType({ headers }: Pick<Asked, "headers">): string {
  return (
    String(headers["content-type"] ?? "application/json")
      .split(";")[0]
      ?.trim()
      .toLowerCase() ?? ""
  );
}

/** @throws {ApiError} 415 for protobuf and CBOR, which this server does not read. */
export function bodyOf({ body, headers }: Pick<Asked, "body" | "headers">): unknown {
  const type = mediaType({ headers });
  try {
    if (type.endsWith("json")) return JSON.parse(body.toString());
    if (type.endsWith("yaml")) return parse(body.toString());
  } catch (error) {
    throw new ApiError(400, "BadRequest", `error decoding: ${error instanceof Error ? error.message : "no JSON"}`);
  }
  throw new ApiError(
    415,
    "UnsupportedMediaType",
    `the body of the request was in an unknown format - accepted media types include: application/json, application/yaml`,
  );
}
