/** Laying out more than this would make the page slow. */
const largest = 500_000;

/**
 * JSON with one value on a line. Only white space between tokens is put in and taken out: names that stand twice, numbers and escapes are shown
 * as they were written, because the target may read them otherwise than this page. Anything else than JSON is given back as it is.
 */
export function indentedJson(text: string): string {
  if (text.length > largest || !isJson(text)) return text;
  const tokens = text.match(/"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s"{}[\],:]+/g) ?? [];
  let depth = 0;
  let shown = "";
  for (const [index, token] of tokens.entries()) {
    const [previous, next] = [tokens[index - 1], tokens[index + 1]];
    if (token === "}" || token === "]") {
      depth--;
      if (previous !== "{" && previous !== "[") shown += line(depth);
    }
    shown += token;
    if (token === ":") shown += " ";
    else if (token === "{" || token === "[") {
      depth++;
      if (next !== "}" && next !== "]") shown += line(depth);
    } else if (token === ",") shown += line(depth);
  }
  return shown;
}

function isJson(text: string): boolean {
  if (!/^\s*[[{]/.test(text)) return false;
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** Deeper than this the lines would only be white space. */
const deepest = 40;

function line(depth: number): string {
  return `\n${"  ".repeat(Math.min(depth, deepest))}`;
}
