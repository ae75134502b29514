import type { Path } from "../request/path.ts";
import type { HttpOperation } from "./api.ts";
import { lengthOf, PathTemplate } from "./path-template.ts";

/** What OpenAPI documents say of a request. */
export interface NamedOperation {
  /** `""` = nothing, or not for sure. */
  readonly operation: string;
  readonly pathParameters: Readonly<Record<string, string>>;
  /** Why not, in words. */
  readonly doubts: readonly string[];
}

interface Entry {
  readonly template: PathTemplate;
  /** The ids by method; `""` where two claim it. */
  readonly ids: Map<string, string>;
}

const nothing: Readonly<Record<string, string>> = Object.freeze({});
const unnamed: NamedOperation = { operation: "", pathParameters: nothing, doubts: [] };
const indexes = new WeakMap<readonly HttpOperation[], OperationIndex>();

/** Finds what a request is called, by method and decoded path. */
export function nameOperation(operations: readonly HttpOperation[] | undefined, method: string, path: Path): NamedOperation {
  if (operations === undefined) return unnamed;
  let index = indexes.get(operations);
  if (index === undefined) {
    index = new OperationIndex(operations);
    indexes.set(operations, index);
  }
  return index.find(method, path);
}

class OperationIndex {
  readonly #byLength = new Map<string, Entry[]>();

  constructor(operations: readonly HttpOperation[]) {
    const byShape = new Map<string, Entry>();
    for (const { id, method, path } of operations) {
      const template = new PathTemplate(path);
      let entry = byShape.get(template.shape);
      if (entry === undefined) {
        entry = { template, ids: new Map() };
        byShape.set(template.shape, entry);
        this.#byLength.set(template.length, [...(this.#byLength.get(template.length) ?? []), entry]);
      }
      entry.ids.set(method, entry.ids.has(method) ? "" : id);
    }
  }

  find(method: string, { text, segments }: Path): NamedOperation {
    const fitting = (this.#byLength.get(lengthOf(segments.length, text)) ?? []).flatMap(({ template, ids }) => {
      const parameters = template.match(segments);
      return parameters === undefined ? [] : [{ template, ids, parameters }];
    });
    const [best, ...others] = fitting.filter(({ template }) =>
      fitting.every((other) => other.template === template || template.isBefore(other.template)),
    );
    if (fitting.length > 0 && (best === undefined || others.length > 0))
      return { ...unnamed, doubts: ["several paths of the API's OpenAPI documents fit, and servers choose one or the other"] };
    const operation = best?.ids.get(method) ?? "";
    if (best === undefined || operation === "")
      return { ...unnamed, doubts: [`the API's OpenAPI documents have no such operation`] };
    return { operation, pathParameters: Object.freeze(best.parameters), doubts: [] };
  }
}
