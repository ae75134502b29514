import type { Json } from "../../canonical.ts";
import { refused } from "../request/refusal.ts";
import type { RequestInfo } from "./request-info.ts";

type JsonObject = { readonly [name: string]: Json };

/**
 * Holds a body that was read against the path: the API server refuses an object of another name, namespace or version, and so do we,
 * before somebody approves one for the other.
 *
 * @returns What else is in doubt, in words.
 * @throws {CountersignError} `invalid_operation` when they contradict each other.
 */
export function doubtsAboutObject(value: Json, patchType: string, info: RequestInfo): readonly string[] {
  if (value === null) return [];
  if (patchType === "json") {
    if (!isList(value)) throw refused("A JSON patch is a list of changes.");
    return [];
  }
  if (!isObject(value)) throw refused("The body is not an object.");
  if (info.verb === "delete" || info.verb === "deletecollection") {
    checkText(value.kind, "DeleteOptions", "kind");
    return [];
  }
  if (text(value.kind)?.endsWith("List") && isList(value.items))
    throw refused("The body is a list of objects. Send them one by one.");
  checkMetadata(value.metadata, info);
  const doubts = patchType === "strategic" ? directives(value) : [];
  return info.subresource === "" ? [...doubts, ...doubtsAboutType(value, info)] : doubts;
}

function checkMetadata(metadata: Json | undefined, { name, namespace }: RequestInfo): void {
  if (metadata === undefined || metadata === null) return;
  if (!isObject(metadata)) throw refused("The body's metadata is not an object.");
  if (name !== "") checkText(metadata.name, name, "metadata.name");
  checkText(metadata.namespace, namespace, "metadata.namespace");
}

function doubtsAboutType({ apiVersion, kind }: JsonObject, { group, version, resource }: RequestInfo): readonly string[] {
  checkText(apiVersion, group === "" ? version : `${group}/${version}`, "apiVersion");
  const named = text(kind);
  if (named === undefined || pluralOf(named) === resource) return [];
  return [`the body's kind is ${JSON.stringify(named.slice(0, 100))}, which is not what ${resource} are usually called`];
}

/** As `UnsafeGuessKindToResource` of k8s.io/apimachinery, with which clients guess, too. */
function pluralOf(kind: string): string {
  const name = kind.toLowerCase();
  if (name === "endpoints") return name;
  if (name.endsWith("s")) return `${name}es`;
  return name.endsWith("y") ? `${name.slice(0, -1)}ies` : `${name}s`;
}

/** A member that is there must be the text that is expected; empty text is as good as none. */
function checkText(value: Json | undefined, expected: string, what: string): void {
  if (value === undefined || value === null || value === "" || value === expected) return;
  throw refused(`The body's ${what} is not "${expected}", which the path says. Send what is meant, or leave it out.`);
}

/**
 * Keys that make a strategic merge patch do more than set what it shows: replace or delete what is around them. The order of a list
 * (`$setElementOrder/…`, which `kubectl apply` always sends) changes no value.
 */
function directives(value: Json): readonly string[] {
  const found = new Set<string>();
  const look = (at: Json): void => {
    if (isList(at)) at.forEach(look);
    else if (isObject(at)) {
      for (const [key, member] of Object.entries(at)) {
        if (key.startsWith("$") && !key.startsWith("$setElementOrder/")) found.add(key.split("/", 1)[0] ?? "");
        look(member);
      }
    }
  };
  look(value);
  return found.size === 0 ? [] : ["the patch has directives ($patch and the like) that replace or delete more than it shows"];
}

function text(value: Json | undefined): string | undefined {
  return typeof value === "string" ? value : undefined;
}

function isList(value: Json | undefined): value is readonly Json[] {
  return Array.isArray(value);
}

/** Whether JSON is an object. */
export function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
