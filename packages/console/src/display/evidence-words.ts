import type { Cell, Evidence, RowChange } from "../api/model.ts";
import { plural } from "./time.ts";

/** One finding of what an operation would do. */
export interface EvidenceWords {
  /** `unknown`: it was asked and could not be found out, which is not the same as no effect. */
  readonly tone: "unknown" | "known";
  readonly title: string;
  /** What it rests on. */
  readonly note: string;
}

/** What the evidence says, the surest first. The failure's own text is not in it. */
export function evidenceWords({
  failure,
  plan,
  estimatedRows,
  affectedRows,
  difference,
  locks,
  changes,
  about,
}: Evidence): readonly EvidenceWords[] {
  const said: EvidenceWords[] = [];
  const say = (tone: EvidenceWords["tone"], title: string, note: string) => said.push({ tone, title, note });
  const isUnknown = estimatedRows === undefined && affectedRows === undefined;
  const nothing = [plan, difference].every((text) => text === "") && isUnknown && locks.length + about.length === 0;
  if (failure !== "" || (nothing && changes === undefined))
    say("unknown", "What it would do could not be found out so far", "That does not mean that it would do nothing.");
  if (changes !== undefined) {
    const count = changes.fields.length + changes.more;
    const title = count === 0 ? "It would change nothing, as things are" : `It would change ${plural(count, "field")}`;
    say("known", title, "The target tried it without storing anything. What is there may change before it runs.");
  }
  if (affectedRows !== undefined) {
    const title = affectedRows === 0 ? "It changed no rows when it was tried" : `It would change ${plural(affectedRows, "row")}`;
    say("known", title, "It was tried in a transaction that was rolled back. The data may change before it runs.");
  }
  if (estimatedRows !== undefined)
    say("known", `PostgreSQL expects about ${plural(estimatedRows, "row")}`, "The planner's estimate, without running it.");
  return said;
}

/** One column of a changed row. */
export interface ChangedCell {
  readonly column: string;
  readonly before: Cell | undefined;
  readonly after: Cell | undefined;
  readonly changed: boolean;
}

/** What happens to a row, and each of its columns. A side that is not there (a new row, one that goes) is undefined, which is not NULL. */
export function changedRow({ columns, before, after, beforeUnknown }: RowChange): {
  /** `after`: what it was before could not be found out. It must not be called new. */
  readonly kind: "new" | "after" | "gone" | "changed";
  readonly cells: readonly ChangedCell[];
} {
  const kind = beforeUnknown ? "after" : before.length === 0 ? "new" : after.length === 0 ? "gone" : "changed";
  const cells = columns.map((column, index) => {
    const [old, now] = [before[index], after[index]];
    return { column, before: old, after: now, changed: kind !== "changed" || old !== now };
  });
  return { kind, cells };
}
