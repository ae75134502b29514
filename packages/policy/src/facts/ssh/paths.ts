import { joined } from "./directory.ts";

/**
 * Whatever in these words may name a file, as it would be meant in a folder: operands, and in options and assignments what follows the
 * sign that may begin a name. Far more than the files that are touched.
 */
export function pathsIn(words: readonly string[], directory: string): string[] {
  return words.flatMap((word) => candidates(word).flatMap((name) => spellings(joined(directory, name) ?? name)));
}

function candidates(word: string): string[] {
  const found: string[] = [];
  if (!word.startsWith("-")) found.push(word);
  // `-f/etc/x`, `-Rf/etc/x`
  else if (!word.startsWith("--") && word.length > 2) found.push(word.slice(2));
  if (word.startsWith("-") && word.includes("/")) found.push(word.slice(word.indexOf("/")));
  // `--file=x`, `of=x`, `-d @x`, `host:x`
  for (const sign of ["=", "@", ":"]) {
    const at = word.indexOf(sign);
    if (at >= 0 && at + 1 < word.length && !word.includes("://")) found.push(word.slice(at + 1));
  }
  return found.filter((name) => name !== "");
}

/** A name, and without `..` where it has any: which of the two is meant depends on links. */
export function spellings(path: string): string[] {
  if (path.includes("://")) return [path];
  const folded = path.replace(/\/{2,}/g, "/").replace(/(?<=^|\/)(?:\.\/)+(?=.)/g, "");
  if (!/(?:^|\/)\.\.(?:\/|$)/.test(folded)) return [folded];
  const kept: string[] = [];
  for (const name of folded.split("/")) {
    if (name === ".." && kept.length > 0 && kept.at(-1) !== "..") {
      if (kept.at(-1) !== "") kept.pop();
    } else kept.push(name);
  }
  return [folded, kept.join("/") || "/"];
}
