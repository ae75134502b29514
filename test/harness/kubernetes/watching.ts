import type { ServerResponse } from "node:http";
import type { Asked } from "./asked.ts";
import type { ApiObject } from "./object.ts";
import { groupVersion, type ResourceKind } from "./resource-kinds.ts";
import { selected } from "./selecting.ts";
import type { Change, ObjectStore } from "./store.ts";
import { tableOf, wantsTable } from "./table.ts";

/** Sends changes, one JSON object a line, until the client leaves or its time is over (API concepts, "Efficient detection of changes"). */
export function watch(
  store: ObjectStore,
  kind: ResourceKind,
  { query, attributes, headers }: Asked,
  response: ServerResponse,
): void {
  const { namespace = "", name = "" } = attributes ?? {};
  const fits = selected(query);
  const isMeant = ({ metadata, ...rest }: ApiObject) =>
    (namespace === "" || metadata.namespace === namespace) &&
    (name === "" || metadata.name === name) &&
    fits({ metadata, ...rest });
  const asTable = wantsTable(headers.accept === undefined ? "" : String(headers.accept));
  const shown = (object: ApiObject) =>
    asTable ? tableOf(kind, [object], {}, query.get("includeObject") ?? "Metadata", Date.now()) : object;
  const send = (type: string, object: unknown) => response.write(`${JSON.stringify({ type, object })}\n`);
  const tell = (change: Change) => {
    if (change.kind === kind && isMeant(change.object)) send(change.type, shown(change.object));
  };
  response.writeHead(200, { "content-type": "application/json", "transfer-encoding": "chunked" });
  response.flushHeaders();
  const since = query.get("resourceVersion") ?? "";
  if (since === "" || since === "0" || query.get("sendInitialEvents") === "true") {
    for (const object of store.list(kind, namespace)) if (isMeant(object)) send("ADDED", shown(object));
    if (query.get("sendInitialEvents") === "true") send("BOOKMARK", bookmark(store, kind));
  } else for (const change of store.changes) if (change.version > Number(since)) tell(change);
  const watching = store.watch(tell);
  const seconds = Number(query.get("timeoutSeconds") ?? 0);
  const timer = seconds > 0 ? setTimeout(() => response.end(), 1000 * seconds) : undefined;
  response.on("close", () => {
    watching[Symbol.dispose]();
    clearTimeout(timer);
  });
}

function bookmark(store: ObjectStore, kind: ResourceKind): unknown {
  const annotations = { "k8s.io/initial-events-end": "true" };
  return { kind: kind.kind, apiVersion: groupVersion(kind), metadata: { resourceVersion: store.version, annotations } };
}
