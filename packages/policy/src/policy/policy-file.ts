import { readDocument } from "../document.ts";
import { type OpenDocument, openDocument } from "../open-document.ts";
import { DocumentError, type Problem } from "../problem.ts";
import { didYouMean } from "../suggest.ts";
import { type PolicyText, policySchema } from "./file-schema.ts";
import { resolveInclude } from "./include.ts";

/** One file of a policy, and where everything in it stands. */
export interface PolicyFile {
  readonly name: string;
  readonly document: OpenDocument;
  readonly text: PolicyText;
  /** It and the files that it includes, also through others: whose variables and conditions it may use. */
  readonly visible: readonly PolicyFile[];
}

/**
 * Reads the files of a policy and finds out which of them see each other.
 *
 * @throws {DocumentError} with every file that cannot be read, or else with every include that is not there or goes round in a circle.
 */
export function openFiles(texts: Readonly<Record<string, string>>): readonly PolicyFile[] {
  const opened = new Map<string, OpenFile>();
  const problems: Problem[] = [];
  for (const name of Object.keys(texts).sort()) {
    try {
      const document = openDocument(name, texts[name] ?? "");
      opened.set(name, { name, document, text: readDocument(document, policySchema), visible: [] });
    } catch (error) {
      if (!(error instanceof DocumentError)) throw error;
      problems.push(...error.problems);
    }
  }
  if (problems.length === 0) for (const file of opened.values()) problems.push(...include(file, opened));
  if (problems.length > 0) throw new DocumentError(problems);
  return [...opened.values()];
}

interface OpenFile extends PolicyFile {
  readonly visible: PolicyFile[];
}

/** Fills in what a file sees. */
function include(file: OpenFile, opened: ReadonlyMap<string, OpenFile>): readonly Problem[] {
  const problems: Problem[] = [];
  const seen = new Set<OpenFile>();
  const visit = (from: OpenFile, trail: readonly OpenFile[]): void => {
    seen.add(from);
    (from.text.include ?? []).forEach((name, index) => {
      const at = (message: string) => from.document.problem(["include", index], message);
      const target = opened.get(resolveInclude(from.name, name));
      if (target === file) {
        const round = [...trail, from, file].map((one) => one.name).join(" → ");
        problems.push(at(`files must not include each other: ${round}`));
      } else if (target === undefined && from === file) {
        const others = [...opened.keys()].filter((other) => other !== file.name);
        const missing = resolveInclude(from.name, name);
        problems.push(at(`${missing} is not among the policy's files${didYouMean(missing, others)}`));
      } else if (target !== undefined && !seen.has(target)) visit(target, [...trail, from]);
    });
  };
  visit(file, []);
  file.visible.push(...seen);
  return problems;
}
