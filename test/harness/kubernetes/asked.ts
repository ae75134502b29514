import { ApiError } from "./object.ts";
import { type ResourceKind, resourceKinds, reviewKinds } from "./resource-kinds.ts";

/** Who asks, as the server found out. */
export interface User {
  readonly username: string;
  readonly uid?: string;
  readonly groups: readonly string[];
  readonly extra?: Readonly<Record<string, readonly string[]>>;
}

/** What RBAC is asked about a request. */
export interface Attributes {
  readonly verb: string;
  readonly group: string;
  readonly resource: string;
  readonly subresource: string;
  readonly namespace: string;
  readonly name: string;
}

/** A request as the server parsed it. */
export interface Asked {
  readonly method: string;
  /** As it stood in the request line. */
  readonly url: string;
  /** Names as sent, and values, in turn. */
  readonly rawHeaders: readonly string[];
  readonly headers: NodeJS.Dict<string | string[]>;
  readonly body: Buffer;
  /** Nobody: it was refused with 401. */
  readonly user: User | undefined;
  /** Who asked to be that user. */
  readonly impersonatedBy?: User;
  /** Absent for paths that are no resource. */
  readonly attributes: Attributes | undefined;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly kind: ResourceKind | undefined;
}

/** Where a request goes. */
export type Route = Pick<Asked, "path" | "query" | "attributes" | "kind">;

/**
 * Reads a path as the API server does (API concepts, "Resource URIs"): by hand and apart from the product's own reading, so that tests can
 * hold one against the other.
 */
export function routeOf(method: string, url: string): Route {
  const mark = url.indexOf("?");
  const query = new URLSearchParams(mark < 0 ? "" : url.slice(mark + 1));
  let path: string;
  try {
    path = decodeURIComponent(mark < 0 ? url : url.slice(0, mark));
  } catch {
    throw new ApiError(400, "BadRequest", "invalid URL escape");
  }
  const parts = path.split("/").slice(1);
  const plain = { path, query, attributes: undefined, kind: undefined };
  const isCore = parts[0] === "api";
  if (!isCore && parts[0] !== "apis") return plain;
  const group = isCore ? "" : (parts[1] ?? "");
  const version = isCore ? parts[1] : parts[2];
  const rest = parts.slice(isCore ? 2 : 3).filter((part) => part !== "");
  const isLegacyWatch = rest[0] === "watch";
  if (isLegacyWatch) rest.shift();
  const inNamespace = rest[0] === "namespaces" && rest[2] !== undefined && !["status", "finalize"].includes(rest[2]);
  const namespace = inNamespace ? (rest[1] ?? "") : "";
  const [resource = "", name = "", subresource = ""] = inNamespace ? rest.slice(2) : rest;
  if (resource === "") return plain;
  const kind = [...resourceKinds, ...reviewKinds].find(
    (one) => one.group === group && one.version === version && one.resource === resource,
  );
  // Of one object `watch` is not looked at (RequestInfoFactory in k8s.io/apiserver).
  const isWatch = isLegacyWatch || (name === "" && ["true", "1"].includes(query.get("watch") ?? ""));
  const verb = verbOf(method, name, isWatch);
  return { path, query, kind, attributes: { verb, group, resource, subresource, namespace, name } };
}

function verbOf(method: string, name: string, isWatch: boolean): string {
  switch (method) {
    case "GET":
    case "HEAD":
      if (isWatch) return "watch";
      return name === "" ? "list" : "get";
    case "POST":
      return "create";
    case "PUT":
      return "update";
    case "PATCH":
      return "patch";
    case "DELETE":
      return name === "" ? "deletecollection" : "delete";
    default:
      throw new ApiError(405, "MethodNotAllowed", `the server does not allow ${method}`);
  }
}
