import type { Json } from "../../canonical.ts";
import type { Query } from "../request/query.ts";
import { refused } from "../request/refusal.ts";
import { isObject } from "./object.ts";
import { readSingle } from "./parameters.ts";
import type { RequestInfo } from "./request-info.ts";

const writes: ReadonlySet<string> = new Set(["create", "update", "patch", "delete", "deletecollection"]);
/** Others (`eviction`, `binding`, `token` …) keep to it in ways of their own, or not at all (`exec`). */
const subresources: ReadonlySet<string> = new Set(["", "status", "scale"]);

/**
 * Whether a write is asked for of which nothing is stored: `dryRun=All`. The options of a `delete` are taken from the body where there is
 * one, and the query is not looked at (`DeleteResource` in k8s.io/apiserver/pkg/endpoints/handlers/delete.go).
 *
 * @throws {CountersignError} `invalid_operation` for any other value, and for a query that says so beside a body that does not.
 */
export function readDryRun(query: Query, info: RequestInfo, hasBody: boolean, value: Json): boolean {
  const asked = readSingle(query, "dryRun");
  if (!writes.has(info.verb) || !subresources.has(info.subresource)) return false;
  if (asked !== undefined && asked !== "All") throw refused('The parameter dryRun has no value but "All".');
  if (!info.verb.startsWith("delete") || !hasBody) return asked === "All";
  const inBody = isObject(value) && bodyAsks(value.dryRun);
  if (asked === "All" && !inBody)
    throw refused(
      "dryRun is in the query, but where a delete has a body only the body counts. Put it there, or leave the body out.",
    );
  return inBody;
}

function bodyAsks(value: Json | undefined): boolean {
  if (value === null || value === undefined || (Array.isArray(value) && value.length === 0)) return false;
  if (Array.isArray(value) && value.every((one) => one === "All")) return true;
  throw refused('dryRun in the body is a list that holds nothing but "All".');
}
