import type { Pattern } from "../pattern.ts";
import { Failure, type Part, spend } from "./scope.ts";

/** A method of texts. */
interface TextMethod {
  /** How many texts it takes besides its own. */
  readonly takes: number;
  /** The characters that it may look at, as steps. */
  steps(text: string, argument: string): number;
  apply(text: string, argument: string): unknown;
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: all of ASCII is meant
const ascii = /^[\x00-\x7f]*$/;

/**
 * The methods of texts, by name. Those that count places in a text (`indexOf`, `substring`) are left out: implementations of CEL
 * disagree whether places are UTF-16 units or code points, and a policy must not depend on that.
 */
const methods: Readonly<Record<string, TextMethod>> = {
  startsWith: { takes: 1, steps: (_, part) => part.length >> 3, apply: (text, part) => text.startsWith(part) },
  endsWith: { takes: 1, steps: (_, part) => part.length >> 3, apply: (text, part) => text.endsWith(part) },
  contains: { takes: 1, steps: searchSteps, apply: (text, part) => text.includes(part) },
  // toLowerCase() alone would make an ASCII k of the Kelvin sign: a name that only looks like another would be the other.
  lowerAscii: {
    takes: 0,
    steps: (text) => 5 * text.length,
    apply: (text) => (ascii.test(text) ? text.toLowerCase() : text.replace(/[A-Z]+/g, (run) => run.toLowerCase())),
  },
  upperAscii: {
    takes: 0,
    steps: (text) => 5 * text.length,
    apply: (text) => (ascii.test(text) ? text.toUpperCase() : text.replace(/[a-z]+/g, (run) => run.toUpperCase())),
  },
  trim: { takes: 0, steps: (text) => text.length >> 1, apply: (text) => text.trim() },
  split: {
    takes: 1,
    steps: (text, separator) => searchSteps(text, separator) + 10 * text.length,
    apply: (text, separator) => text.split(separator),
  },
};

/**
 * The engine's search takes up to 20 ns for each character of a hostile text (it stops at every one that may begin a match), and for
 * parts longer than 250 characters up to the product of both lengths.
 */
function searchSteps(text: string, part: string): number {
  if (part.length > text.length) return 0;
  return text.length * (part.length <= 250 ? 2 : part.length >> 3);
}

/** The names of the methods of texts. */
export const textMethods: readonly string[] = [...Object.keys(methods), "matches"];

/** `text.method(argument)`; undefined when there is no such method that takes so many. */
export function textMethod(name: string, receiver: Part, given: readonly Part[]): Part | undefined {
  const method = Object.hasOwn(methods, name) ? methods[name] : undefined;
  if (method === undefined || given.length !== method.takes) return undefined;
  const failure = new Failure(`${name}() needs a text`);
  const [argument = { run: () => "", steps: 0 }] = given;
  const { run } = receiver;
  const other = argument.run;
  const constant = argument.constant?.value;
  const steps = receiver.steps + argument.steps + 4;
  if (name === "startsWith" && typeof constant === "string")
    return { run: startsWith(run, constant, failure), steps: steps + (constant.length >> 3) };
  return {
    run: (s, o, i) => {
      const text = run(s, o, i);
      const part = other(s, o, i);
      if (typeof text !== "string") return text instanceof Failure ? text : failure;
      if (typeof part !== "string") return part instanceof Failure ? part : failure;
      spend(s, method.steps(text, part));
      return method.apply(text, part);
    },
    steps,
  };
}

/** The most frequent of all, with nothing around it. */
function startsWith(run: Part["run"], part: string, failure: Failure): Part["run"] {
  return (s, o, i) => {
    const text = run(s, o, i);
    if (typeof text !== "string") return text instanceof Failure ? text : failure;
    return text.startsWith(part);
  };
}

const notText = new Failure("matches() needs a text");

/** `text.matches(pattern)`: found anywhere in the text, as CEL says. */
export function matches({ run, steps }: Part, pattern: Pattern): Part {
  return {
    run: (s, o, i) => {
      const text = run(s, o, i);
      if (typeof text !== "string") return text instanceof Failure ? text : notText;
      // A text that is longer than what is left is not even begun.
      if (text.length > s.budget.left) spend(s, text.length);
      const found = pattern.search(text);
      spend(s, found.steps + (found.steps >> 1));
      return found.found;
    },
    steps: steps + 5,
  };
}
