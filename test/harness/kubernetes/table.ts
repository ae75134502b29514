import { type ApiObject, type Fields, fieldsOf, listOf } from "./object.ts";
import type { ResourceKind } from "./resource-kinds.ts";

interface Column {
  readonly name: string;
  readonly type?: string;
  readonly of: (object: ApiObject, nowMs: number) => unknown;
}

const columns: Readonly<Record<string, readonly Column[]>> = {
  Pod: [
    { name: "Ready", of: ({ spec }) => `${listOf(spec, "containers").length}/${listOf(spec, "containers").length}` },
    { name: "Status", of: (object) => fieldsOf(object, "status").phase ?? "" },
    { name: "Restarts", type: "integer", of: () => 0 },
  ],
  Deployment: [
    { name: "Ready", of: (object) => `${replicas(object)}/${replicas(object)}` },
    { name: "Up-to-date", type: "integer", of: (object) => replicas(object) },
    { name: "Available", type: "integer", of: (object) => replicas(object) },
  ],
  Namespace: [{ name: "Status", of: (object) => fieldsOf(object, "status").phase ?? "" }],
  Secret: [
    { name: "Type", of: (object) => object.type ?? "Opaque" },
    { name: "Data", type: "integer", of: (object) => Object.keys(fieldsOf(object, "data")).length },
  ],
};

/** Whether `Accept` asks for a table before anything else (API concepts, "Receiving resources as Tables"). */
export function wantsTable(accept: string): boolean {
  return /^application\/json;as=Table;v=v1;g=meta\.k8s\.io/.test(accept);
}

/** Objects as rows for people. */
export function tableOf(
  kind: ResourceKind,
  objects: readonly ApiObject[],
  metadata: unknown,
  include: string,
  nowMs: number,
): Fields {
  const all: readonly Column[] = [
    { name: "Name", of: ({ metadata: { name } }) => name },
    ...(columns[kind.kind] ?? []),
    {
      name: "Age",
      of: ({ metadata: { creationTimestamp } }, now) =>
        `${Math.max(0, Math.floor((now - Date.parse(creationTimestamp)) / 1000))}s`,
    },
  ];
  return {
    ...{ kind: "Table", apiVersion: "meta.k8s.io/v1", metadata },
    columnDefinitions: all.map(({ name, type = "string" }) => ({
      name,
      type,
      format: name === "Name" ? "name" : "",
      description: name,
      priority: 0,
    })),
    rows: objects.map((object) => ({ cells: all.map((column) => column.of(object, nowMs)), ...shown(object, include) })),
  };
}

function shown(object: ApiObject, include: string): Fields {
  if (include === "None") return {};
  if (include === "Object") return { object };
  return { object: { kind: "PartialObjectMetadata", apiVersion: "meta.k8s.io/v1", metadata: object.metadata } };
}

function replicas(object: ApiObject): unknown {
  return fieldsOf(object, "spec").replicas ?? 0;
}
