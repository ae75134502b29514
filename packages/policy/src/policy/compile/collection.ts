import { isMap } from "./equality.ts";
import { Failure, type Part, type Scope, spend } from "./scope.ts";

const notSizable = new Failure("size() needs a text, a list or a map");

/** `size(value)` and `value.size()`. */
export function size({ run, steps }: Part): Part {
  return {
    run: (s, o, i) => {
      const value = run(s, o, i);
      if (Array.isArray(value)) return BigInt(value.length);
      if (typeof value === "string") return BigInt(codePoints(s, value));
      if (!isMap(value)) return value instanceof Failure ? value : notSizable;
      const { length } = Object.keys(value);
      spend(s, 5 * length);
      return BigInt(length);
    },
    steps: steps + 6,
  };
}

/** The length of a text in code points: the second half of a surrogate pair does not count. */
function codePoints(scope: Scope, text: string): number {
  spend(scope, text.length + (text.length >> 1));
  let count = text.length;
  for (let index = 1; index < text.length; index++) {
    const unit = text.charCodeAt(index);
    if (unit < 0xdc00 || unit > 0xdfff) continue;
    const before = text.charCodeAt(index - 1);
    if (before >= 0xd800 && before <= 0xdbff) count--;
  }
  return count;
}

const notTexts = new Failure("join() needs a list of texts");
const tooLong = new Failure("the text is too long");
const maxText = 1024 * 1024;

/** `list.join(separator)`. */
export function join(list: Part, separator: Part): Part {
  return {
    run: (s, o, i) => {
      const texts = list.run(s, o, i);
      const between = separator.run(s, o, i);
      if (!Array.isArray(texts)) return texts instanceof Failure ? texts : notTexts;
      if (typeof between !== "string") return between instanceof Failure ? between : notTexts;
      let length = between.length * texts.length;
      spend(s, 4 * texts.length);
      for (const text of texts) {
        if (typeof text !== "string") return notTexts;
        length += text.length;
      }
      if (length > maxText) return tooLong;
      spend(s, length >> 1);
      return texts.join(between);
    },
    steps: list.steps + separator.steps + 5,
  };
}
