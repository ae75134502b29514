import { DecodeError, JsonObject } from "./json.ts";
import type { Bound, Grant, GrantBounds, GrantPage, GrantTerms, ValueBound } from "./model.ts";
import { parameter } from "./operation-json.ts";
import { principal } from "./principal-json.ts";

/** GrantBounds: what of an operation a grant may leave open. @throws {DecodeError} */
export function grantBounds(json: JsonObject): GrantBounds {
  return {
    maxUses: json.count("maxUses"),
    maxTtlSeconds: json.count("maxTtlSeconds"),
    values: json.list("values", (value, path) => ({
      name: new JsonObject(value, path).string("name"),
      value: parameter(value, path),
    })),
  };
}

/** GrantTerms. @throws {DecodeError} */
export function grantTerms(json: JsonObject): GrantTerms {
  return { uses: json.count("uses"), ttlSeconds: json.count("ttlSeconds"), bounds: json.list("bounds", valueBound) };
}

function valueBound(value: unknown, path: string): ValueBound {
  const json = new JsonObject(value, path);
  return { value: json.string("value"), bound: bound(json, path) };
}

function bound(json: JsonObject, path: string): Bound {
  if (json.boolean("any")) return { type: "any" };
  if (json.has("prefix")) return { type: "prefix", prefix: json.string("prefix") };
  if (json.has("oneOf")) return { type: "one-of", values: json.object("oneOf").strings("values") };
  if (json.has("range")) {
    const range = json.object("range");
    return { type: "range", min: range.string("min"), max: range.string("max") };
  }
  throw new DecodeError(`${path} is a bound of a kind that this page does not know`);
}

/** A grant's terms as the wire's JSON. */
export function grantTermsJson({ uses, ttlSeconds, bounds }: GrantTerms): unknown {
  return { uses, ttlSeconds, bounds: bounds.map(({ value, bound }) => ({ value, ...boundJson(bound) })) };
}

function boundJson(bound: Bound): Record<string, unknown> {
  switch (bound.type) {
    case "any":
      return { any: true };
    case "prefix":
      return { prefix: bound.prefix };
    case "one-of":
      return { oneOf: { values: bound.values } };
    case "range":
      return { range: { min: bound.min, max: bound.max } };
  }
}

/** ListGrantsResponse. @throws {DecodeError} */
export function decodeGrantPage(value: unknown): GrantPage {
  const json = new JsonObject(value, "page");
  return {
    grants: json.list("grants", (one, path) => grant(new JsonObject(one, path))),
    nextPageToken: json.string("nextPageToken"),
  };
}

/** RevokeGrantResponse. @throws {DecodeError} */
export function decodeGrant(value: unknown): Grant {
  return grant(new JsonObject(value, "answer").object("grant"));
}

function grant(json: JsonObject): Grant {
  return {
    id: json.string("id"),
    active: json.boolean("active"),
    requestId: json.string("requestId"),
    resource: json.string("resource"),
    principal: principal(json.object("principal")),
    template: json.string("template"),
    terms: grantTerms(json.object("terms")),
    used: json.count("used"),
    expiresMs: json.count("expiresMs"),
    approvers: json.strings("approvers"),
    createdMs: json.count("createdMs"),
    revokedReason: json.string("revokedReason"),
  };
}
