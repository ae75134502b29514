import type { Asked } from "./asked.ts";
import { ApiError, type ApiObject, type Fields, fieldsOf } from "./object.ts";
import { groupVersion, type ResourceKind } from "./resource-kinds.ts";
import { selected } from "./selecting.ts";
import type { ObjectStore } from "./store.ts";
import { tableOf, wantsTable } from "./table.ts";

/** One page of a list (API concepts, "Retrieving large results sets in chunks"). */
export function listed(store: ObjectStore, kind: ResourceKind, asked: Asked): Fields {
  const { query, attributes } = asked;
  const { namespace = "", name = "" } = attributes ?? {};
  const fits = selected(query);
  const all = store.list(kind, namespace).filter((one) => fits(one) && (name === "" || one.metadata.name === name));
  const from = offsetOf(query.get("continue"));
  const limit = Number(query.get("limit") ?? 0);
  const items = limit > 0 ? all.slice(from, from + limit) : all.slice(from);
  const left = all.length - from - items.length;
  const metadata = {
    resourceVersion: store.version,
    ...(left > 0 && {
      continue: Buffer.from(JSON.stringify({ from: from + items.length })).toString("base64url"),
      remainingItemCount: left,
    }),
  };
  return tabled(kind, items, metadata, asked) ?? listFrom(kind, items, metadata);
}

/** One object, or its scale. */
export function read(store: ObjectStore, kind: ResourceKind, asked: Asked): Fields {
  const { namespace = "", name = "", subresource = "" } = asked.attributes ?? {};
  const found = store.get(kind, namespace, name);
  if (subresource === "scale") return scaleOf(found);
  return tabled(kind, [found], {}, asked) ?? found;
}

function tabled(
  kind: ResourceKind,
  objects: readonly ApiObject[],
  metadata: unknown,
  { headers, query }: Asked,
): Fields | undefined {
  if (!wantsTable(String(headers.accept ?? ""))) return undefined;
  return tableOf(kind, objects, metadata, query.get("includeObject") ?? "Metadata", Date.now());
}

/** A list of a kind. */
export function listFrom(kind: ResourceKind, items: readonly ApiObject[], metadata: Fields): Fields {
  return { kind: `${kind.kind}List`, apiVersion: groupVersion(kind), metadata, items };
}

function offsetOf(token: string | null): number {
  if (token === null || token === "") return 0;
  try {
    return Number(JSON.parse(Buffer.from(token, "base64url").toString()).from);
  } catch {
    throw new ApiError(400, "BadRequest", "continue key is not valid");
  }
}

/** The `Scale` of something with replicas (autoscaling/v1). */
export function scaleOf({ metadata, spec, status }: ApiObject): Fields {
  const { name, namespace, uid, resourceVersion, creationTimestamp } = metadata;
  return {
    ...{ kind: "Scale", apiVersion: "autoscaling/v1" },
    metadata: { name, namespace, uid, resourceVersion, creationTimestamp },
    spec: { replicas: fieldsOf({ spec }, "spec").replicas ?? 0 },
    status: { replicas: fieldsOf({ status }, "status").replicas ?? 0 },
  };
}
