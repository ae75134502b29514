import { decodeOnce } from "../request/percent.ts";

/** One segment of a path template: literal texts, with a parameter between each two of them. `orders` is one text; `{id}.pdf` is `""` and `.pdf`. */
interface Segment {
  readonly texts: readonly string[];
  readonly names: readonly string[];
}

/** A path template (OpenAPI 3.1 §4.8.8), against paths that are decoded once. */
export class PathTemplate {
  /** The same for all templates that fit the same paths. */
  readonly shape: string;
  /** Of the paths that it fits: their number, and whether they end in a slash. */
  readonly length: string;
  readonly #segments: readonly Segment[];

  constructor(text: string) {
    const parts = text.split("/").slice(1);
    if (parts.at(-1) === "") parts.pop();
    this.length = lengthOf(parts.length, text);
    this.#segments = parts.map(readSegment);
    this.shape = JSON.stringify([this.length, this.#segments.map(({ texts }) => texts)]);
  }

  /** The values of its parameters; undefined when it does not fit. */
  match(segments: readonly string[]): Readonly<Record<string, string>> | undefined {
    const values: [name: string, value: string][] = [];
    for (const [index, segment] of this.#segments.entries()) {
      const found = valuesOf(segment, segments[index] ?? "");
      if (found === undefined) return undefined;
      values.push(...found);
    }
    return Object.fromEntries(values);
  }

  /** Whether it is concrete wherever the other one is, and somewhere more so: concrete paths go before templated ones (OpenAPI 3.1 §4.8.8.2). */
  isBefore(other: PathTemplate): boolean {
    return this.shape !== other.shape && this.#segments.every((segment, index) => isAsConcrete(segment, other.#segments[index]));
  }
}

/** What `PathTemplate.length` is of a path. */
export function lengthOf(segments: number, path: string): string {
  return `${segments}${path.endsWith("/") ? "/" : ""}`;
}

function readSegment(text: string): Segment {
  const parts = text.split(/\{([^{}]*)\}/);
  const texts = parts.filter((_, index) => index % 2 === 0).map((part) => decodeOnce(part, "the path"));
  return { texts, names: parts.filter((_, index) => index % 2 === 1) };
}

/** Parameters hold at least one character; of several in one segment the first takes as little as it can. */
function valuesOf({ texts, names }: Segment, segment: string): readonly [string, string][] | undefined {
  const [first = "", ...rest] = texts;
  const last = rest.pop();
  if (last === undefined) return segment === first ? [] : undefined;
  if (!segment.startsWith(first) || !segment.endsWith(last)) return undefined;
  const values: string[] = [];
  let from = first.length;
  for (const text of rest) {
    const at = segment.indexOf(text, from + 1);
    if (at < 0) return undefined;
    values.push(segment.slice(from, at));
    from = at + text.length;
  }
  const end = segment.length - last.length;
  if (end <= from) return undefined;
  values.push(segment.slice(from, end));
  return values.map((value, index) => [names[index] ?? "", value]);
}

function isAsConcrete(one: Segment, other: Segment | undefined): boolean {
  if (other === undefined) return false;
  const isParameter = ({ texts }: Segment) => texts.length > 1 && texts.every((text) => text === "");
  return one.names.length === 0 || isParameter(other) || one.texts.join("\0") === other.texts.join("\0");
}
