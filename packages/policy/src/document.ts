import type { z } from "zod";
import { type OpenDocument, openDocument } from "./open-document.ts";
import { DocumentError } from "./problem.ts";
import { explainIssue } from "./schema-issue.ts";

/**
 * Reads a YAML file into what a zod schema says.
 *
 * @throws {DocumentError} with every problem: what was found, what is expected, and the known key that is nearest to an unknown one.
 */
export function parseDocument<T>(file: string, text: string, schema: z.ZodType<T>): T {
  return readDocument(openDocument(file, text), schema);
}

/** {@link parseDocument} for a document that is open already. */
export function readDocument<T>(document: OpenDocument, schema: z.ZodType<T>): T {
  const result = schema.safeParse(document.value);
  if (result.success) return result.data;
  const problems = result.error.issues.flatMap((issue) => explainIssue(issue, schema, document));
  throw new DocumentError(problems.sort((a, b) => a.line - b.line || a.column - b.column));
}
