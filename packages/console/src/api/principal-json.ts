import type { JsonObject } from "./json.ts";
import type { Principal } from "./model.ts";

/** Principal. @throws {DecodeError} */
export function principal(json: JsonObject): Principal {
  return { issuer: json.string("issuer"), subject: json.string("subject"), groups: json.strings("groups") };
}
