/** What is left of one mask on the way down: names of members, `*` for one level, `**` for any number of them. */
type Steps = readonly string[];

interface Known {
  /** Every other name leads to the same place. */
  readonly names: ReadonlySet<string>;
  readonly byText: Map<string, MaskPath>;
}

/**
 * A place in a JSON value, by what masks say of it. A mask is a JSON Pointer (RFC 6901) in which `*` stands for every member or element of one
 * level and `**` for any number of levels. There are few places, whatever the size of the value.
 */
export class MaskPath {
  /** The value here is masked as a whole. */
  readonly isMasked: boolean;
  readonly #left: readonly Steps[];
  readonly #known: Known;
  readonly #children = new Map<string, MaskPath>();

  private constructor(left: readonly Steps[], known: Known) {
    this.#left = left;
    this.#known = known;
    this.isMasked = left.some(({ length }) => length === 0);
  }

  /** The root of a value. */
  static of(pointers: readonly string[]): MaskPath {
    const masks = pointers.map((pointer) => pointer.split("/").slice(1).map(unescaped));
    return MaskPath.#at(masks, { names: new Set(masks.flat()), byText: new Map() });
  }

  /** One level down: a member by its name, or an element by its place. */
  child(name: string): MaskPath {
    const key = this.#known.names.has(name) ? `/${name}` : "";
    let found = this.#children.get(key);
    if (found === undefined) {
      found = MaskPath.#at(
        this.#left.flatMap((steps) => [...below(steps, name)]),
        this.#known,
      );
      this.#children.set(key, found);
    }
    return found;
  }

  static #at(left: readonly Steps[], known: Known): MaskPath {
    const byText = new Map(left.map((steps) => [JSON.stringify(steps), steps]));
    const text = [...byText.keys()].sort().join("\n");
    const found = known.byText.get(text) ?? new MaskPath([...byText.values()], known);
    known.byText.set(text, found);
    return found;
  }
}

function* below(steps: Steps, name: string): Generator<Steps> {
  const [first, ...rest] = steps;
  if (first === "**") {
    yield steps;
    yield* below(rest, name);
  } else if (first === "*" || first === name) yield rest;
}

function unescaped(token: string): string {
  return token.replaceAll("~1", "/").replaceAll("~0", "~");
}
