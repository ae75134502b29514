import type { LockTarget, RequestState } from "@countersign/policy";

/** Who takes part. */
export const approvers = ["alice", "bob", "carl"] as const;

/** One of the people who may vote. */
type Person = (typeof approvers)[number];

/** Whether a marker is of a statement that PostgreSQL runs outside a transaction, so that nobody can tell later what became of it. */
export function isAlone(marker: string): boolean {
  return marker.endsWith("alone");
}

/** What the process is started with: its first line. */
export interface Start {
  readonly folder: string;
  readonly address: string;
  readonly user: string;
  /** Where it kills itself, at the how many-th time; absent = it waits to be killed. */
  readonly stopAt?: { readonly step: string; readonly count: number };
}

/** What it is asked, a line each. */
export type Ask =
  | { readonly ask: "submit"; readonly marker: string }
  | {
      readonly ask: "vote";
      readonly id: string;
      readonly digest: string;
      readonly who: Person;
      readonly verdict: "approve" | "deny";
    }
  | { readonly ask: "revoke"; readonly id: string }
  /** A person says what became of a doubt. */
  | { readonly ask: "resolve"; readonly id: string; readonly happened: boolean }
  | { readonly ask: "lock"; readonly target: LockTarget }
  | { readonly ask: "lift"; readonly lock: string }
  /** The newest so many requests. */
  | { readonly ask: "list"; readonly most: number }
  | { readonly ask: "close" };

/** A request as it tells of it. */
export interface Told {
  readonly id: string;
  readonly marker: string;
  readonly digest: string;
  readonly state: RequestState;
  readonly votes: readonly { readonly who: string; readonly verdict: string }[];
}

/** What it answers to each, by its number. */
export interface Answers {
  readonly submit: Told;
  readonly vote: Told;
  readonly revoke: Told;
  readonly resolve: Told;
  readonly lock: { readonly lock: string };
  readonly lift: { readonly lock: string };
  readonly list: { readonly requests: readonly Told[]; readonly locks: readonly string[] };
  readonly close: Record<string, never>;
}

/** A line that it writes. */
export type Line =
  | { readonly ready: true }
  /** The outcome of a request, as its caller is told. */
  | { readonly ended: string; readonly state: string }
  | { readonly number: number; readonly answer: Answers[keyof Answers] }
  | { readonly number: number; readonly refused: string };
