import { type OpenDocument, openDocument, type Path } from "../open-document.ts";
import type { Policy } from "../policy.ts";

/** Where something stands in a policy's files. */
export interface Place {
  readonly file: string;
  /** From 1. */
  readonly line: number;
  readonly column: number;
}

/** Where a character of one condition stands, by its offset in the condition's text. */
export type PlaceOf = (offset: number) => Place;

/** Finds the places of conditions in a policy's files. */
export class Places {
  readonly #files: Policy["files"];
  readonly #documents = new Map<string, OpenDocument>();
  /** The index of each rule in its file. */
  readonly #indices = new Map<string, number>();

  constructor(files: Policy["files"]) {
    this.#files = files;
  }

  /** Of a rule's condition. */
  ofRule({ id, file }: { readonly id: string; readonly file: string }): PlaceOf {
    const document = this.#open(file);
    return (offset) => placeIn(document, ["rules", this.#indices.get(id) ?? 0, "when"], offset);
  }

  /** Of something else in a rule; of the rule where it is not written. */
  ofRuleKey({ id, file }: { readonly id: string; readonly file: string }, path: Path): Place {
    const document = this.#open(file);
    return placeIn(document, ["rules", this.#indices.get(id) ?? 0, ...path]);
  }

  /** Of a named condition, which may be in any file; undefined when it is in none. */
  ofNamed(name: string, text: string): PlaceOf | undefined {
    for (const file of Object.keys(this.#files)) {
      const document = this.#open(file);
      if (at(at(document.value, "conditions"), name) === text) return (offset) => placeIn(document, ["conditions", name], offset);
    }
    return undefined;
  }

  #open(file: string): OpenDocument {
    const known = this.#documents.get(file);
    if (known) return known;
    const document = openDocument(file, this.#files[file] ?? "");
    this.#documents.set(file, document);
    const rules = at(document.value, "rules");
    if (Array.isArray(rules)) for (const [index, rule] of rules.entries()) this.#indices.set(String(at(rule, "id")), index);
    return document;
  }
}

function placeIn(document: OpenDocument, path: Path, offset?: number): Place {
  const { file, line, column } = document.problem(path, "", offset);
  return { file, line, column };
}

function at(value: unknown, key: string): unknown {
  return typeof value === "object" && value !== null && Object.hasOwn(value, key) ? Reflect.get(value, key) : undefined;
}
