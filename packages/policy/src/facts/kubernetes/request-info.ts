import type { Query } from "../request/query.ts";
import { refused } from "../request/refusal.ts";
import type { Target } from "../request/target.ts";
import { selectedName } from "./field-selector.ts";
import { readFlag, readSingle } from "./parameters.ts";

/** What a request is about, in the words of RBAC. */
export interface RequestInfo {
  /** False for `/healthz`, `/apis/apps` and the like. */
  readonly isResource: boolean;
  readonly verb: string;
  readonly group: string;
  readonly version: string;
  readonly resource: string;
  readonly subresource: string;
  readonly namespace: string;
  readonly name: string;
  readonly labelSelector: string;
  readonly fieldSelector: string;
  /** What comes after the sub-resource, e.g. the path that `proxy` is asked for. */
  readonly trailing: readonly string[];
}

/** What each method is without anything else said. */
const verbs = { GET: "get", HEAD: "get", POST: "create", PUT: "update", PATCH: "patch", DELETE: "delete" } as const;

/** A method that API servers serve. */
export type Method = keyof typeof verbs;

/** Under `namespaces/<name>/` these two are sub-resources of the namespace; anything else is a resource in it. */
const namespaceSubresources: ReadonlySet<string> = new Set(["status", "finalize"]);

const nothing = {
  group: "",
  version: "",
  resource: "",
  subresource: "",
  namespace: "",
  name: "",
  labelSelector: "",
  fieldSelector: "",
  trailing: [],
} as const;

/**
 * Takes a method exactly as API servers know it.
 *
 * @throws {CountersignError} `invalid_operation` for any other: RBAC has no verb for it.
 */
export function readMethod(method: string): Method {
  if (isMethod(method)) return method;
  throw refused("The method is none of GET, HEAD, POST, PUT, PATCH and DELETE.");
}

function isMethod(method: string): method is Method {
  return Object.hasOwn(verbs, method);
}

/**
 * Maps a request as kube-apiserver does before it asks RBAC: written after `RequestInfoFactory.NewRequestInfo` in
 * k8s.io/apiserver/pkg/endpoints/request/requestinfo.go (v0.37), whose answers `corpora/kubectl/request-info.jsonl` holds.
 *
 * @throws {CountersignError} `invalid_operation` when it cannot be mapped.
 */
export function requestInfo(method: Method, { path: { segments }, query }: Target): RequestInfo {
  const [prefix] = segments;
  const hasGroup = prefix === "apis";
  if ((prefix !== "api" && !hasGroup) || segments.length < (hasGroup ? 4 : 3)) {
    return { ...nothing, isResource: false, verb: method.toLowerCase() };
  }
  const [group = "", version = "", ...rest] = hasGroup ? segments.slice(1) : ["", ...segments.slice(1)];
  const { verb, inPath, parts: about } = verbOf(method, rest);
  const { namespace, parts } = namespaceOf(about);
  const [resource = "", name = "", third = "", ...trailing] = parts;
  const mapped = { ...nothing, isResource: true, group, version, resource, namespace, trailing };
  // The legacy proxy verb takes all that follows the name for a path of the target.
  if (verb === "proxy") return { ...mapped, verb, name, trailing: parts.slice(2) };
  if (inPath || name !== "") return { ...mapped, verb, name, subresource: third };
  return { ...mapped, ...collection(verb, query) };
}

/** The verb is in the path (`/api/v1/watch/…`, `/api/v1/proxy/…`) or follows from the method. */
function verbOf(method: Method, parts: readonly string[]): { verb: string; inPath: boolean; parts: readonly string[] } {
  const [first, ...others] = parts;
  if (first !== "watch" && first !== "proxy") return { verb: verbs[method], inPath: false, parts };
  if (others.length === 0) throw refused(`The path names nothing to ${first}.`);
  // RBAC would be asked for "watch", whatever the method does.
  if (first === "watch" && method !== "GET") throw refused("A path with /watch/ takes GET.");
  return { verb: first, inPath: true, parts: others };
}

function namespaceOf(parts: readonly string[]): { namespace: string; parts: readonly string[] } {
  const [first, namespace = "", third] = parts;
  if (first !== "namespaces") return { namespace: "", parts };
  const inside = third !== undefined && !namespaceSubresources.has(third);
  return { namespace, parts: inside ? parts.slice(2) : parts };
}

/** A request without a name: `get` is a list or a watch, `delete` deletes all of them. */
function collection(verb: string, query: Query): Pick<RequestInfo, "verb"> & Partial<RequestInfo> {
  if (verb !== "get" && verb !== "delete") return { verb };
  for (const parameter of ["limit", "timeoutSeconds"]) {
    const value = readSingle(query, parameter);
    // A list whose options cannot be decoded has no name for RBAC: refused, as the API server does later.
    if (value !== undefined && !/^[+-]?\d{1,18}$/.test(value)) throw refused(`The parameter ${parameter} is not a whole number.`);
  }
  const labelSelector = readSingle(query, "labelSelector") ?? "";
  const fieldSelector = readSingle(query, "fieldSelector") ?? "";
  const selected = selectedName(fieldSelector) ?? "";
  if (verb === "delete") return { verb: "deletecollection", labelSelector, fieldSelector };
  // What cannot be in a path is not taken for a name.
  const name = selected === "." || selected === ".." || /[/%]/.test(selected) ? "" : selected;
  return { verb: readFlag(query, "watch") ? "watch" : "list", name, labelSelector, fieldSelector };
}
