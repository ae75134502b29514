/** Lines beside a change that are shown with it. */
const context = 3;
/** Larger changes are compared as wholes: the time grows with the product. */
const mostCompared = 1_000_000;

/**
 * What is different between two texts: lines that begin with `+`, `-` or a space, and `@` between stretches that are apart. Empty when they are equal.
 * A last line without an end is told by the line after it, as diff(1) does.
 */
export function lineDifference(before: string, after: string): readonly string[] {
  const [old, fresh] = [linesOf(before), linesOf(after)];
  let start = 0;
  while (start < old.length && start < fresh.length && old[start] === fresh[start]) start++;
  let same = 0;
  while (same < old.length - start && same < fresh.length - start && old.at(-1 - same) === fresh.at(-1 - same)) same++;
  const [gone, come] = [old.slice(start, old.length - same), fresh.slice(start, fresh.length - same)];
  if (gone.length === 0 && come.length === 0) return [];
  const spaced = (line: string) => ` ${line}`;
  return shortened([
    ...old.slice(0, start).map(spaced),
    ...(gone.length * come.length > mostCompared ? replaced(gone, come) : compared(gone, come)),
    ...old.slice(old.length - same).map(spaced),
  ]);
}

/** A text without an end of its last line has another last line than one with it. */
function linesOf(text: string): readonly string[] {
  if (text === "") return [];
  const lines = text.split("\n");
  if (lines.at(-1) === "") return lines.slice(0, -1);
  return [...lines.slice(0, -1), `${lines.at(-1)}\n\\ No newline at end of file`];
}

function replaced(gone: readonly string[], come: readonly string[]): readonly string[] {
  return [...gone.map((line) => `-${line}`), ...come.map((line) => `+${line}`)];
}

/** By the longest common subsequence. */
function compared(gone: readonly string[], come: readonly string[]): readonly string[] {
  const width = come.length + 1;
  // The length of the longest common part of what follows, for each pair of places.
  const longest = new Uint32Array((gone.length + 1) * width);
  const at = (i: number, j: number) => longest[i * width + j] ?? 0;
  for (let i = gone.length - 1; i >= 0; i--) {
    for (let j = come.length - 1; j >= 0; j--)
      longest[i * width + j] = gone[i] === come[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1));
  }
  const lines: string[] = [];
  let [i, j] = [0, 0];
  while (i < gone.length || j < come.length) {
    if (i < gone.length && gone[i] === come[j]) {
      lines.push(` ${gone[i]}`);
      i++;
      j++;
    } else if (j === come.length || (i < gone.length && at(i + 1, j) >= at(i, j + 1))) lines.push(`-${gone[i++]}`);
    else lines.push(`+${come[j++]}`);
  }
  return lines;
}

/** Without what is far from every change. */
function shortened(lines: readonly string[]): readonly string[] {
  const shown = new Uint8Array(lines.length);
  lines.forEach((line, index) => {
    if (!line.startsWith(" ")) shown.fill(1, Math.max(index - context, 0), index + context + 1);
  });
  const out: string[] = [];
  lines.forEach((line, index) => {
    if (shown[index] === 1) out.push(...line.split("\n"));
    else if (index === 0 || shown[index - 1] === 1) out.push("@ …");
  });
  return out;
}
