import { posix } from "node:path";
import { readDocument } from "../document.ts";
import { openDocument } from "../open-document.ts";
import { DocumentError } from "../problem.ts";
import { policySchema } from "./file-schema.ts";

/**
 * The names of the files that a policy file includes, so that they can be read before `loadPolicy`: `dba/common.yaml` for
 * `include: [common.yaml]` in `dba/rules.yaml`. Those that they include in turn are not among them. Empty when the file cannot be used:
 * `loadPolicy` says what is wrong.
 */
export function includesOf(file: string, text: string): readonly string[] {
  try {
    const document = openDocument(file, text);
    const { include = [] } = readDocument(document, policySchema);
    return include.map((name) => resolveInclude(file, name));
  } catch (error) {
    if (error instanceof DocumentError) return [];
    throw error;
  }
}

/** The name of an included file: relative to the one that includes it. */
export function resolveInclude(file: string, name: string): string {
  return posix.normalize(posix.join(posix.dirname(file), name));
}
