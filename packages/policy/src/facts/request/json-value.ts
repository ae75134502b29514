import type { Json } from "../../canonical.ts";
import { foldName, isLookalike } from "./lookalike.ts";
import { refused } from "./refusal.ts";

/** A JSON value as facts hold it: a copy, frozen deeply. */
export interface JsonFact {
  /** `null` when it could not be looked into. */
  readonly value: Json;
  /** Why not, or what some servers would read in another way; in words. */
  readonly doubts: readonly string[];
}

/** How much is looked into: loops in conditions run over lists and objects, at most two inside each other. */
const most = { depth: 64, entries: 500, values: 10_000 };

/** Names that change every object of a careless JavaScript server (prototype pollution). */
const polluting: ReadonlySet<string> = new Set(["__proto__", "constructor", "prototype"]);

class TooMuch extends Error {
  override readonly name = "TooMuch";
}

/**
 * Copies a value that should be JSON, so that nobody can change it after the decision, and notes what other readers may take for
 * something else. Deeper than 64, above 500 entries in one list or object, or above 10,000 values, it is not looked into.
 *
 * @param where - What it is, for messages: `the body`.
 * @throws {CountersignError} `invalid_operation` for what JSON cannot carry: `undefined`, functions, bigints, numbers that are not finite,
 * lone surrogates, instances of classes, holes, accessors.
 */
export function freezeJson(value: unknown, where: string): JsonFact {
  const reader = new Reader();
  try {
    return { value: reader.copy(value, where, 0), doubts: [...reader.doubts] };
  } catch (error) {
    if (!(error instanceof TooMuch)) throw error;
    return { value: null, doubts: [`${where} is not looked into: ${error.message}`] };
  }
}

class Reader {
  readonly doubts = new Set<string>();
  #values = 0;

  copy(value: unknown, where: string, depth: number): Json {
    if (++this.#values > most.values) throw new TooMuch(`it holds more than ${most.values} values`);
    if (value === null || typeof value === "boolean") return value;
    if (typeof value === "string") return this.#text(value, where);
    if (typeof value === "number") return this.#number(value, where);
    if (typeof value !== "object") throw refused(`${where} holds ${typeof value}, which JSON cannot carry. Leave it out.`);
    if (depth === most.depth) throw new TooMuch(`it nests deeper than ${most.depth}`);
    return Array.isArray(value) ? this.#list(value, where, depth) : this.#object(value, where, depth);
  }

  #text(text: string, where: string): string {
    if (!text.isWellFormed()) throw refused(`${where} holds text that is not well-formed Unicode (a lone surrogate).`);
    if (text.includes("\0")) this.doubts.add(`${where} holds a NUL, where some servers end the text`);
    return text;
  }

  #number(number: number, where: string): number {
    if (!Number.isFinite(number)) throw refused(`${where} holds a number that JSON cannot carry (${number}).`);
    if (Number.isInteger(number) && !Number.isSafeInteger(number))
      this.doubts.add(`${where} holds a number that is not exact as a double`);
    return number;
  }

  #list(list: readonly unknown[], where: string, depth: number): Json {
    if (list.length > most.entries) throw new TooMuch(`a list in it has more than ${most.entries} elements`);
    if (Object.getPrototypeOf(list) !== Array.prototype || Reflect.ownKeys(list).length !== list.length + 1)
      throw refused(`${where} holds a list with holes or members of its own, which JSON cannot carry.`);
    return Object.freeze(list.map((item) => this.copy(item, where, depth + 1)));
  }

  #object(object: object, where: string, depth: number): Json {
    const prototype: unknown = Object.getPrototypeOf(object);
    if (prototype !== Object.prototype && prototype !== null)
      throw refused(`${where} holds an instance of a class, which JSON cannot carry. Give plain objects.`);
    const names = Reflect.ownKeys(object);
    if (names.length > most.entries) throw new TooMuch(`an object in it has more than ${most.entries} members`);
    this.#names(names, where);
    const members = names.map((name): [string, Json] => {
      const member = Object.getOwnPropertyDescriptor(object, name);
      if (typeof name !== "string" || !member?.enumerable || !("value" in member))
        throw refused(`${where} holds a member that is hidden, computed or not named by text, which JSON cannot carry.`);
      return [name, this.copy(member.value, where, depth + 1)];
    });
    // Own properties whatever the name: `__proto__` too.
    return Object.freeze(Object.fromEntries(members));
  }

  #names(names: readonly (string | symbol)[], where: string): void {
    const folded = new Set<string>();
    for (const name of names) {
      if (typeof name !== "string") continue;
      this.#text(name, where);
      folded.add(foldName(name));
      if (isLookalike(name)) this.doubts.add(`${where} has a name that some servers take for another`);
      if (polluting.has(name)) this.doubts.add(`${where} has a name that JavaScript servers may take for their own (${name})`);
    }
    if (folded.size < names.length) this.doubts.add(`${where} has two names that some servers take for the same`);
  }
}
