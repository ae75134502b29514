import { exactText, type Line } from "./exact-text.ts";

/** One line of a comparison. */
export interface ComparedLine {
  readonly kind: "same" | "removed" | "added";
  readonly line: Line;
}

/** Comparing takes as many steps as the product of the changed parts' lines. Above this all old lines are shown, then all new ones. */
const mostSteps = 4_000_000;

/** Two texts line by line, each as exact text. Line ends count: a text with CR LF for LF is another text. */
export function difference(before: string, after: string): readonly ComparedLine[] {
  const [old, now] = [exactText(before), exactText(after)];
  const [oldKeys, nowKeys] = [old.map(key), now.map(key)];
  let start = 0;
  while (start < old.length && start < now.length && oldKeys[start] === nowKeys[start]) start++;
  let end = 0;
  while (end < Math.min(old.length, now.length) - start && oldKeys.at(-1 - end) === nowKeys.at(-1 - end)) end++;
  const middle = middleOf(oldKeys.slice(start, old.length - end), nowKeys.slice(start, now.length - end));
  const removedAt = (index: number) => compared("removed", old[start + index]);
  const addedAt = (index: number) => compared("added", now[start + index]);
  return [
    ...old.slice(0, start).map((line) => ({ kind: "same" as const, line })),
    ...middle.flatMap((step) => {
      if (step.kind === "removed") return removedAt(step.index);
      return step.kind === "added" ? addedAt(step.index) : compared("same", old[start + step.index]);
    }),
    ...old.slice(old.length - end).map((line) => ({ kind: "same" as const, line })),
  ];
}

function compared(kind: ComparedLine["kind"], line: Line | undefined): ComparedLine[] {
  return line === undefined ? [] : [{ kind, line }];
}

function key({ spans, end }: Line): string {
  // Whether a line is the last one shows by itself; only CR LF is another end than the others.
  return spans.map(({ source }) => source).join("") + (end === "\r\n" ? "\r" : "");
}

interface Step {
  readonly kind: ComparedLine["kind"];
  /** In the old lines, or in the new ones for an added line. */
  readonly index: number;
}

/** The fewest removed and added lines that lead from one list to the other: the longest common subsequence. */
function middleOf(old: readonly string[], now: readonly string[]): readonly Step[] {
  const removed = old.map((_, index): Step => ({ kind: "removed", index }));
  const added = now.map((_, index): Step => ({ kind: "added", index }));
  if (old.length * now.length > mostSteps || old.length === 0 || now.length === 0) return [...removed, ...added];
  const width = now.length + 1;
  const common = new Uint32Array((old.length + 1) * width);
  const at = (row: number, column: number) => common[row * width + column] ?? 0;
  for (let row = old.length - 1; row >= 0; row--) {
    for (let column = now.length - 1; column >= 0; column--) {
      common[row * width + column] =
        old[row] === now[column] ? at(row + 1, column + 1) + 1 : Math.max(at(row + 1, column), at(row, column + 1));
    }
  }
  const steps: Step[] = [];
  let [row, column] = [0, 0];
  while (row < old.length || column < now.length) {
    if (row < old.length && column < now.length && old[row] === now[column]) {
      steps.push({ kind: "same", index: row });
      row++;
      column++;
    } else if (column >= now.length || (row < old.length && at(row + 1, column) >= at(row, column + 1))) {
      steps.push({ kind: "removed", index: row++ });
    } else steps.push({ kind: "added", index: column++ });
  }
  return steps;
}
