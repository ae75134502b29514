/** The server sent something that this page does not understand. Nothing that failed to decode is shown in part: it cannot be approved. */
export class DecodeError extends Error {
  override readonly name = "DecodeError";
}

/** One JSON object of the proto3 JSON mapping, read field by field. An absent field has its default, as the mapping says. */
export class JsonObject {
  readonly #fields: ReadonlyMap<string, unknown>;
  readonly #path: string;

  /**
   * @param path where the object stands, for the error message.
   * @throws {DecodeError} when the value is not an object.
   */
  constructor(value: unknown, path: string) {
    if (typeof value !== "object" || value === null || Array.isArray(value)) throw new DecodeError(`${path} is not an object`);
    this.#fields = new Map(Object.entries(value));
    this.#path = path;
  }

  /** Whether the field is present and not null. */
  has(name: string): boolean {
    return this.#fields.get(name) !== undefined && this.#fields.get(name) !== null;
  }

  /** @throws {DecodeError} when there is a field of another name: what is not shown might change the meaning of what is. */
  only(names: readonly string[]): void {
    const unknown = [...this.#fields.keys()].find((name) => !names.includes(name));
    if (unknown !== undefined) throw new DecodeError(`${this.#path}.${unknown} is not known to this page`);
  }

  /** A string; absent = empty. */
  string(name: string): string {
    return this.#read(name, "", (value) => (typeof value === "string" ? value : undefined), "a string");
  }

  /** A boolean; absent = false. */
  boolean(name: string): boolean {
    return this.#read(name, false, (value) => (typeof value === "boolean" ? value : undefined), "a boolean");
  }

  /** A whole number from 0; 64-bit ones may come as decimal strings. Absent = 0. */
  count(name: string): number {
    const parse = (value: unknown) => {
      const number = typeof value === "string" && /^\d+$/.test(value) ? Number(value) : value;
      return typeof number === "number" && Number.isSafeInteger(number) && number >= 0 ? number : undefined;
    };
    return this.#read(name, 0, parse, "a whole number");
  }

  /** A whole number; absent = 0. */
  integer(name: string): number {
    const parse = (value: unknown) => (typeof value === "number" && Number.isSafeInteger(value) ? value : undefined);
    return this.#read(name, 0, parse, "a whole number");
  }

  /** As {@link JsonObject.count}, where an absent number is not 0. */
  optionalCount(name: string): number | undefined {
    return this.has(name) ? this.count(name) : undefined;
  }

  /** Standard base64 bytes; absent = none. */
  bytes(name: string): Uint8Array {
    const parse = (value: unknown) => {
      if (typeof value !== "string" || !/^[A-Za-z0-9+/]*={0,2}$/.test(value)) return undefined;
      return Uint8Array.from(atob(value), (character) => character.charCodeAt(0));
    };
    return this.#read(name, new Uint8Array(), parse, "base64");
  }

  /** An enum's name as a word; absent or unknown is an error: a state that cannot be named must not be shown as another. */
  word<W extends string>(name: string, words: Readonly<Record<string, W>>): W {
    const value = this.#fields.get(name);
    const word = typeof value === "string" && Object.hasOwn(words, value) ? words[value] : undefined;
    if (word === undefined) throw new DecodeError(`${this.#path}.${name} is not known to this page: ${JSON.stringify(value)}`);
    return word;
  }

  /** An object; absent = an empty one. */
  object(name: string): JsonObject {
    return new JsonObject(this.#fields.get(name) ?? {}, `${this.#path}.${name}`);
  }

  /** A list, each element decoded; absent = empty. */
  list<T>(name: string, decode: (value: unknown, path: string) => T): readonly T[] {
    const value = this.#fields.get(name) ?? [];
    if (!Array.isArray(value)) throw new DecodeError(`${this.#path}.${name} is not a list`);
    return value.map((element, index) => decode(element, `${this.#path}.${name}[${index}]`));
  }

  /** A list of strings; absent = empty. */
  strings(name: string): string[] {
    return [
      ...this.list(name, (value, path) => {
        if (typeof value !== "string") throw new DecodeError(`${path} is not a string`);
        return value;
      }),
    ];
  }

  /** Every field as a string, in the order sent. */
  stringMap(): Record<string, string> {
    return Object.fromEntries([...this.#fields.keys()].map((name) => [name, this.string(name)]));
  }

  #read<T>(name: string, absent: T, parse: (value: unknown) => T | undefined, expected: string): T {
    const value = this.#fields.get(name);
    if (value === undefined || value === null) return absent;
    const parsed = parse(value);
    if (parsed === undefined) throw new DecodeError(`${this.#path}.${name} is not ${expected}`);
    return parsed;
  }
}
