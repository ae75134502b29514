import { isMap } from "./equality.ts";
import { Failure, type Part } from "./scope.ts";

/** `value.name`: what a map holds under a name. */
export function field(value: Part, name: string): Part {
  const missing = new Failure(`No such key: ${name}`);
  const read = reader(name);
  return {
    run: (s, o, i) => {
      const map = value.run(s, o, i);
      const found = read(map);
      if (found !== undefined) return found;
      return map instanceof Failure ? map : missing;
    },
    steps: value.steps + 6,
  };
}

/** `has(value.name)`. */
export function hasField(value: Part, name: string): Part {
  const read = reader(name);
  return {
    run: (s, o, i) => {
      const map = value.run(s, o, i);
      return map instanceof Failure ? map : read(map) !== undefined;
    },
    steps: value.steps + 6,
  };
}

/** Reads what a map itself holds under a name; undefined when that is nothing. No value of JSON is undefined. */
function reader(name: string): (map: unknown) => unknown {
  // `constructor` and its like are found in every object, but are not in the map.
  if (name in Object.prototype) return (map) => (isMap(map) && Object.hasOwn(map, name) ? map[name] : undefined);
  return (map) => (isMap(map) ? map[name] : undefined);
}

const missingKey = new Failure("No such key");
const outOfBounds = new Failure("No such element: the index is out of bounds");
const notIndexable = new Failure("[ ] needs a list with a number, or a map with a text");

/** `value[key]`: what a map holds under a text, or a list at a place (from 0). */
export function element(value: Part, key: Part): Part {
  return {
    run: (s, o, i) => {
      const collection = value.run(s, o, i);
      const at = key.run(s, o, i);
      if (Array.isArray(collection))
        return typeof at === "bigint" || typeof at === "number" ? place(collection, Number(at)) : failureOf(at);
      if (!isMap(collection)) return failureOf(collection);
      if (typeof at !== "string") return failureOf(at);
      return Object.hasOwn(collection, at) ? collection[at] : missingKey;
    },
    steps: value.steps + key.steps + 8,
  };
}

function place(list: readonly unknown[], index: number): unknown {
  return Number.isInteger(index) && index >= 0 && index < list.length ? list[index] : outOfBounds;
}

function failureOf(value: unknown): Failure {
  return value instanceof Failure ? value : notIndexable;
}
