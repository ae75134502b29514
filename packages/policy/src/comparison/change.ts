/**
 * What a change does to decisions. `looser`: something runs or can be approved more easily than before, nothing less easily. `tighter`: the
 * reverse. `both`: it does the one for some operations and the other for others. `unknown`: it cannot be told from the rules. `none`: only
 * what is said or shown changes. Each change is judged alone, by what may run and who must agree; that the limits and the role of a rule come
 * and go with it, also where other rules decide together with it, is not weighed.
 */
export type Direction = "looser" | "tighter" | "both" | "unknown" | "none";

/** One thing that is different between two policies. Texts are as the files have them; not escaped. */
export interface PolicyChange {
  readonly kind: "added" | "removed" | "renamed" | "changed" | "condition" | "variable";
  /** Which part of a rule changed, e.g. `limits.rows`; the name of a condition or a variable. */
  readonly field?: string;
  /** Ids of the rules that it reaches, sorted. */
  readonly rules: readonly string[];
  readonly before?: string;
  readonly after?: string;
  readonly direction: Direction;
  /** The change in words, without the rules' ids. */
  readonly text: string;
}

/** {@link PolicyChange} of one field, before it is known which rule it belongs to. */
export type FieldChange = Omit<PolicyChange, "kind" | "rules"> & { readonly field: string };

/** `looser` for more, `tighter` for less. */
export function moreIsLooser(before: number, after: number): Direction {
  return after > before ? "looser" : "tighter";
}
