import type { Fields } from "./object.ts";
import { groupVersion, objectVerbs, type ResourceKind, resourceKinds, reviewKinds } from "./resource-kinds.ts";

const all = [...resourceKinds, ...reviewKinds];
const groups = [...new Set(all.map((one) => one.group))].filter((group) => group !== "");
const isReview = (kind: ResourceKind) => reviewKinds.includes(kind);
const info = { title: "Kubernetes", version: "v1.33.0" };

/** What the server tells of itself, by path; absent for other paths. */
export function discovered(path: string, accept: string): Fields | string | undefined {
  const [, root, ...rest] = path.split("/");
  const isAggregated = /g=apidiscovery\.k8s\.io;v=v2(?:;|,|$)/.test(accept);
  if (path === "/version")
    return { major: "1", minor: "33", gitVersion: "v1.33.0", gitTreeState: "clean", platform: "linux/amd64" };
  if (/^\/(?:healthz|livez|readyz)$/.test(path)) return "ok";
  if (path === "/api") return isAggregated ? aggregated([""]) : { kind: "APIVersions", versions: ["v1"] };
  if (path === "/apis")
    return isAggregated ? aggregated(groups) : { kind: "APIGroupList", apiVersion: "v1", groups: groups.map(groupOf) };
  if (root === "api" && rest.join("/") === "v1") return resourceList("");
  if (root === "apis" && rest.length === 1 && groups.includes(rest[0] ?? "")) return groupOf(rest[0] ?? "");
  if (root === "apis" && rest.length === 2 && rest[1] === "v1" && groups.includes(rest[0] ?? ""))
    return resourceList(rest[0] ?? "");
  if (path === "/openapi/v3")
    return {
      paths: Object.fromEntries(
        [...new Set(all.map(documentOf))].map((one) => [one, { serverRelativeURL: `/openapi/v3/${one}?hash=1` }]),
      ),
    };
  if (path.startsWith("/openapi/v3/")) return openapi(path.slice("/openapi/v3/".length));
  if (path === "/openapi/v2") return { swagger: "2.0", info, paths: {}, definitions: {} };
  return undefined;
}

/** The media type of an aggregated answer: clients look at it. */
export const aggregatedType = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";

function groupOf(group: string): Fields {
  const version = { groupVersion: `${group}/v1`, version: "v1" };
  return { kind: "APIGroup", apiVersion: "v1", name: group, versions: [version], preferredVersion: version };
}

function resourceList(group: string): Fields {
  const resources = all
    .filter((one) => one.group === group)
    .flatMap((one) => [
      {
        ...{ name: one.resource, singularName: one.kind.toLowerCase(), namespaced: one.namespaced, kind: one.kind },
        ...{ verbs: isReview(one) ? ["create"] : objectVerbs, shortNames: one.shortNames, categories: one.categories },
      },
      ...one.subresources.map((sub) => ({
        ...{
          name: `${one.resource}/${sub.name}`,
          singularName: "",
          namespaced: one.namespaced,
          kind: sub.kind,
          verbs: sub.verbs,
        },
        ...(sub.group !== undefined && { group: sub.group, version: sub.version }),
      })),
    ]);
  return { kind: "APIResourceList", apiVersion: "v1", groupVersion: group === "" ? "v1" : `${group}/v1`, resources };
}

/** KEP-3352. */
function aggregated(names: readonly string[]): Fields {
  const items = names.map((group) => ({
    metadata: { name: group, creationTimestamp: null },
    versions: [
      {
        ...{ version: "v1", freshness: "Current" },
        resources: all
          .filter((one) => one.group === group)
          .map((one) => ({
            ...{ resource: one.resource, responseKind: { group: "", version: "", kind: one.kind } },
            ...{ scope: one.namespaced ? "Namespaced" : "Cluster", singularResource: one.kind.toLowerCase() },
            ...{ verbs: isReview(one) ? ["create"] : objectVerbs, shortNames: one.shortNames, categories: one.categories },
            subresources: one.subresources.map((sub) => ({
              ...{ subresource: sub.name, verbs: sub.verbs },
              responseKind: { group: sub.group ?? "", version: sub.version ?? "", kind: sub.kind },
            })),
          })),
      },
    ],
  }));
  return { kind: "APIGroupDiscoveryList", apiVersion: "apidiscovery.k8s.io/v2", metadata: {}, items };
}

function documentOf(kind: ResourceKind): string {
  return kind.group === "" ? "api/v1" : `apis/${groupVersion(kind)}`;
}

/** What kubectl looks up before it writes: that the server validates fields and can do dry runs. */
function openapi(document: string): Fields | undefined {
  const kinds = all.filter((one) => documentOf(one) === document);
  if (kinds.length === 0) return undefined;
  const parameters = ["dryRun", "fieldManager", "fieldValidation", "force"].map((name) => ({
    name,
    in: "query",
    schema: { type: "string" },
  }));
  const paths = kinds.map((one) => [
    `/${document}/${one.namespaced ? "namespaces/{namespace}/" : ""}${one.resource}/{name}`,
    { patch: { parameters, "x-kubernetes-group-version-kind": { group: one.group, version: one.version, kind: one.kind } } },
  ]);
  return { openapi: "3.0.0", info, paths: Object.fromEntries(paths), components: { schemas: {} } };
}
