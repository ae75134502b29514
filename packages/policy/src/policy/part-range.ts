/** From and to where a part of a condition's text goes: UTF-16 units from 0, the end not included. */
export interface PartRange {
  readonly start: number;
  readonly end: number;
}

/**
 * Where all of a part stands. cel-js tells a node's place without the parentheses around its first and last operands: for `(a || b) && c` it
 * says `a || b) && c`. A pair of which only one parenthesis is inside belongs to the part.
 */
export function partRange(text: string, node: PartRange): PartRange {
  let { start, end } = node;
  const pairs = parentheses(text);
  const inside = (at: number): boolean => at >= start && at < end;
  for (let cut = pairs.find(isCut); cut !== undefined; cut = pairs.find(isCut)) {
    start = Math.min(start, cut.open);
    end = Math.max(end, cut.close + 1);
  }
  return { start, end };

  function isCut({ open, close }: Pair): boolean {
    return inside(open) !== inside(close);
  }
}

interface Pair {
  readonly open: number;
  readonly close: number;
}

/** A comment, a text (in three quotes or one; a backslash takes the next character with it, in raw texts too), or a parenthesis. */
const tokens = /\/\/[^\n]*|"""(?:\\.|[^\\])*?"""|'''(?:\\.|[^\\])*?'''|"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|[()]/gs;

function parentheses(text: string): readonly Pair[] {
  const pairs: Pair[] = [];
  const opened: number[] = [];
  for (const { 0: token, index } of text.matchAll(tokens)) {
    if (token === "(") opened.push(index);
    else if (token === ")") {
      const open = opened.pop();
      if (open !== undefined) pairs.push({ open, close: index });
    }
  }
  return pairs;
}
