import { z } from "zod";
import type { Json } from "../canonical.ts";
import type { OpenDocument, Path } from "../open-document.ts";
import { CountersignError } from "../outcome.ts";
import { explainIssue } from "../schema-issue.ts";

/** Any JSON value. What `JSON.parse` or a YAML reader gives is one already, so it is not walked again. */
export const json: z.ZodType<Json> = z.custom<Json>((value) => value !== undefined, { error: "expected a JSON value" });

/** Kept as it is: a record of zod's would leave out a member that is called `__proto__`, and what was said would be read as something less. */
export const jsonObject = z.custom<Readonly<Record<string, Json>>>().superRefine((input, context) => {
  if (typeof input !== "object" || input === null || Array.isArray(input))
    context.addIssue({ code: "invalid_type", expected: "record", input });
});

/**
 * Checks a JSON value that a person or a program wrote.
 *
 * @param what it is, to begin the error with: `a postgres operation`.
 * @throws {CountersignError} `invalid_request` with every mistake, where it is, and the known key that is nearest to an unknown one.
 */
export function checkShape<T>(what: string, value: unknown, schema: z.ZodType<T>): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const document = asDocument(value);
  const messages = result.error.issues.flatMap((issue) => explainIssue(issue, schema, document)).map(({ message }) => message);
  const said = [...new Set(messages)].join("; ");
  throw new CountersignError("invalid_request", `Not ${what}: ${said}${said.endsWith("?") ? "" : "."}`);
}

/** A value that has no file: a place in it is told by its path. */
function asDocument(value: unknown): OpenDocument {
  const problem = (path: Path, message: string) => ({ file: "", line: 1, column: 1, message: placed(path, message) });
  return { value, problem, problemAtKey: (path, message) => problem(path.slice(0, -1), message) };
}

/** The message, with the path in front unless the message itself names the last step of a short one. */
function placed(path: Path, message: string): string {
  const last = path.at(-1);
  if (last === undefined || (path.length === 1 && message.startsWith(`"${String(last)}"`))) return message;
  return `${path.map(String).join(".")}: ${message}`;
}

/**
 * The one that is there, of several names for the same.
 *
 * @throws {CountersignError} `invalid_request` when there is none, or more than one.
 */
export function oneOf<T>(what: string, names: Readonly<Record<string, T | undefined>>): T {
  const found = optionalOf(what, names);
  if (found !== undefined) return found;
  throw new CountersignError("invalid_request", `Not ${what}: "${Object.keys(names).join('" or "')}" is missing.`);
}

/** As {@link oneOf}, where there may be none. */
export function optionalOf<T>(what: string, names: Readonly<Record<string, T | undefined>>): T | undefined {
  const given = Object.entries(names).flatMap(([name, value]) => (value === undefined ? [] : [[name, value] as const]));
  if (given.length <= 1) return given[0]?.[1];
  const said = given.map(([name]) => `"${name}"`).join(" and ");
  throw new CountersignError("invalid_request", `Not ${what}: ${said} are the same; write one of them.`);
}
