import type { Json } from "../../canonical.ts";
import { type BodyBytes, readBody } from "../request/body.ts";
import type { Headers } from "../request/headers.ts";
import type { JsonFact } from "../request/json-value.ts";
import { refused } from "../request/refusal.ts";
import { doubtsAboutObject } from "./object.ts";
import type { RequestInfo } from "./request-info.ts";
import type { Scope } from "./scope.ts";
import type { Stream } from "./stream.ts";
import { readYaml } from "./yaml.ts";

/** What a body says. */
export interface ObjectBody {
  /** `null` when there is none, or it could not be looked into. */
  readonly value: Json;
  /** `json`, `merge`, `strategic` or `apply`; `""` for anything but a patch. */
  readonly patchType: string;
  readonly doubts: readonly string[];
}

/** The media types of patches (k8s.io/apimachinery/pkg/types/patch.go). */
const patchTypes: Readonly<Record<string, string>> = {
  "application/json-patch+json": "json",
  "application/merge-patch+json": "merge",
  "application/strategic-merge-patch+json": "strategic",
  "application/apply-patch+yaml": "apply",
  "application/apply-patch+cbor": "apply",
};

/** What clients that are compiled with a type send for it (`kubectl create secret`); it cannot be read without the type's definition. */
const protobuf = "application/vnd.kubernetes.protobuf";

/** API servers do not look at the body of these, or not always. */
const bodiless: ReadonlySet<string> = new Set(["get", "head", "list", "watch"]);

const yamlTypes: ReadonlySet<string> = new Set(["application/yaml", "application/apply-patch+yaml"]);

/**
 * Looks into the body of a request for a resource, as its Content-Type says, and holds it against the path. That of `exec` and `attach` is what
 * the command reads from its standard input, all of it.
 *
 * @throws {CountersignError} `invalid_operation` for a body where none belongs, a patch of an unknown type, and an object that is not the one
 * that the path names.
 */
export function readObject(
  bytes: BodyBytes,
  headers: Headers,
  info: RequestInfo,
  scope: Scope,
  { stdin }: Pick<Stream, "stdin">,
): ObjectBody {
  const hasBody = scope.connects ? stdin : !bodiless.has(info.verb) || scope.passesOn;
  if (bytes.length > 0 && !hasBody) throw refused("Such a request has no body. Leave it out.");
  if (scope.connects || scope.passesOn || !info.isResource || scope.asksOnly) return { value: null, patchType: "", doubts: [] };
  const patchType = patchTypeOf(info, headers);
  if (bytes.length === 0) return { value: null, patchType, doubts: [] };
  const { value, doubts } = read(bytes, headers);
  return { value, patchType, doubts: [...doubts, ...doubtsAboutObject(value, patchType, info)] };
}

/** By what the Content-Type says; the API server answers any other with 415. */
function read(bytes: BodyBytes, headers: Headers): JsonFact {
  const { contentType, value, doubts } = readBody(bytes, headers);
  const unread = (why: string): JsonFact => ({ value: null, doubts: [`the body is not looked into: ${why}`] });
  if (yamlTypes.has(contentType)) return readYaml(bytes, headers);
  if (contentType === "application/json" || Object.hasOwn(patchTypes, contentType)) return { value, doubts };
  if (contentType === protobuf) return unread("it is protobuf. Send JSON");
  return unread("its Content-Type is neither JSON nor YAML");
}

function patchTypeOf({ verb }: RequestInfo, { values }: Headers): string {
  if (verb !== "patch") return "";
  const [sent = ""] = values["content-type"] ?? [];
  // As PatchResource in k8s.io/apiserver does: exact, up to the first semicolon.
  const type = sent.split(";", 1)[0] ?? "";
  const known = Object.hasOwn(patchTypes, type) ? patchTypes[type] : undefined;
  if (known === undefined) throw refused(`The Content-Type of a patch is one of ${Object.keys(patchTypes).join(", ")}.`);
  return known;
}
