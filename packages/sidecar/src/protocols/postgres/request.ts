import { CountersignError, type PostgresParameter, type PostgresQuery } from "@countersign/policy";
import { serialize } from "pg-protocol";

/** PostgreSQL counts parameters in 16 bits. */
const mostParameters = 65535;

/**
 * The bytes that run a query in the extended protocol (§53.2.3) in one round trip: Parse, Bind, Describe, Execute, Sync. The protocol itself
 * sees to it that the text holds one statement only; parameter types are the server's choice (OID 0), results come in text format.
 *
 * @throws {CountersignError} `invalid_operation` for a statement with a NUL byte or a lone surrogate, which would not arrive as approved;
 *   `invalid_parameter` for a value that is not canonical or too many of them.
 */
export function encodeQuery({ statement, parameters }: PostgresQuery): Buffer {
  if (statement.includes("\0")) throw new CountersignError("invalid_operation", "The statement holds a NUL byte.");
  if (!statement.isWellFormed()) throw new CountersignError("invalid_operation", "The statement is not valid Unicode text.");
  if (parameters.length > mostParameters) {
    throw new CountersignError(
      "invalid_parameter",
      `${parameters.length} parameters; PostgreSQL takes at most ${mostParameters}.`,
    );
  }
  return Buffer.concat([
    serialize.parse({ text: statement }),
    serialize.bind({ values: parameters.map(encodeParameter) }),
    serialize.describe({ type: "P" }),
    serialize.execute(),
    serialize.sync(),
  ]);
}

function encodeParameter(parameter: PostgresParameter, index: number): string | Buffer | null {
  if (parameter === null) return null;
  if ("text" in parameter) {
    if (!parameter.text.isWellFormed())
      throw new CountersignError("invalid_parameter", `$${index + 1} is not valid Unicode text.`);
    return parameter.text;
  }
  const bytes = Buffer.from(parameter.binary, "base64url");
  if (bytes.toString("base64url") !== parameter.binary) {
    throw new CountersignError("invalid_parameter", `$${index + 1} is not canonical base64url.`);
  }
  return bytes;
}
