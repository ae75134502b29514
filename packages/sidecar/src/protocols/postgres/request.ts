import { CountersignError, type PostgresParameter, type PostgresQuery } from "@countersign/policy";
import { serialize } from "pg-protocol";

/** PostgreSQL counts parameters in 16 bits. */
const mostParameters = 65535;

/** How a query is run other than once to its end. */
export interface QueryOptions {
  /** Types of the parameters; 0, or none, = the server's choice. */
  readonly types?: readonly number[];
  /** Keeps it open under a name, and asks for so many rows only. */
  readonly portal?: { readonly name: string; readonly rows: number };
}

/**
 * The bytes that run a query in the extended protocol (§53.2.3) in one round trip: Parse, Bind, Describe, Execute, Sync. The protocol itself
 * sees to it that the text holds one statement only; parameter types are the server's choice (OID 0), results come in text format.
 *
 * @throws {CountersignError} `invalid_operation` for a statement with a NUL byte or a lone surrogate, which would not arrive as approved;
 *   `invalid_parameter` for a value that is not canonical or too many of them.
 */
export function encodeQuery(
  { statement, parameters }: Pick<PostgresQuery, "statement" | "parameters">,
  { types = [], portal = { name: "", rows: 0 } }: QueryOptions = {},
): Buffer {
  if (statement.includes("\0")) throw new CountersignError("invalid_operation", "The statement holds a NUL byte.");
  if (!statement.isWellFormed()) throw new CountersignError("invalid_operation", "The statement is not valid Unicode text.");
  if (parameters.length > mostParameters) {
    throw new CountersignError(
      "invalid_parameter",
      `${parameters.length} parameters; PostgreSQL takes at most ${mostParameters}.`,
    );
  }
  return Buffer.concat([
    serialize.parse({ text: statement, types: [...types] }),
    serialize.bind({ portal: portal.name, values: parameters.map(encodeParameter) }),
    serialize.describe({ type: "P", name: portal.name }),
    serialize.execute({ portal: portal.name, rows: portal.rows }),
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
