import { DecodeError, JsonObject } from "./json.ts";
import type { Operation, Parameter } from "./model.ts";

/** Operation. A kind that this page cannot show whole is an error, never shown in part. @throws {DecodeError} */
export function operation(json: JsonObject): Operation {
  if (!json.has("postgresQuery")) throw new DecodeError("The operation is of a kind that this page does not know");
  const query = json.object("postgresQuery");
  return { kind: "postgres.query", statement: query.string("statement"), parameters: query.list("parameters", parameter) };
}

/** One value: NULL, a text or bytes. @throws {DecodeError} */
export function parameter(value: unknown, path: string): Parameter {
  const json = new JsonObject(value, path);
  if (json.boolean("null")) return { type: "null" };
  if (json.has("text")) return { type: "text", value: json.string("text") };
  if (json.has("binary")) return { type: "binary", value: json.bytes("binary") };
  throw new DecodeError(`${path} has no value`);
}

/** An operation as the wire's JSON. */
export function operationJson({ statement, parameters }: Operation): unknown {
  return { postgresQuery: { statement, parameters: parameters.map(parameterJson) } };
}

function parameterJson(parameter: Parameter): unknown {
  switch (parameter.type) {
    case "null":
      return { null: true };
    case "text":
      return { text: parameter.value };
    case "binary":
      return { binary: btoa(Array.from(parameter.value, (byte) => String.fromCharCode(byte)).join("")) };
  }
}
