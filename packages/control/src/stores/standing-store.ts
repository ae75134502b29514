import type { Json } from "@countersign/policy";

/** What may stand. */
type StandingKind = "lock" | "grant" | "delegation" | "review";

/** Something that stands until it is taken back, used up, or its time is up. Only `kind`, `name` and `active` are looked for. */
export interface Standing {
  /** The kind's prefix and a random part, e.g. `lock_…`. */
  readonly id: string;
  readonly kind: StandingKind;
  /** By what it is found, e.g. the principal that a grant is for. */
  readonly name: string;
  readonly active: boolean;
  /** Counts the changes, from 1; a change names the revision that it was decided on. */
  readonly revision: number;
  readonly createdMs: number;
  /** Milliseconds since the Unix epoch; absent = until it is taken back. */
  readonly untilMs?: number;
  /** All the rest, sealed. */
  readonly body: Json;
}

/** Which ones, newest first. */
export interface StandingQuery {
  readonly kind: StandingKind;
  readonly name?: string;
  readonly active?: boolean;
  readonly after?: { readonly createdMs: number; readonly id: string };
}

/**
 * Where standing things live. A write is on disk when it resolves. What is stored is sealed with its id, state and time, so that no column
 * that is changed from outside brings back what was revoked. Whatever implements it passes `standing.test.ts`.
 *
 * Every method throws {@link CountersignError} `control_plane_unavailable` when the store cannot be used, with nothing changed, and
 * `internal` when what is stored was altered from outside.
 */
export interface StandingStore {
  /** `taken` when the id is there already. */
  insert(standing: Omit<Standing, "revision">): Promise<"inserted" | "taken">;
  /** Changes it by compare-and-set; false when it is no longer at that revision. */
  change(id: string, revision: number, change: Pick<Standing, "active" | "body">): Promise<boolean>;
  get(id: string): Promise<Standing | undefined>;
  list(query: StandingQuery, limit: number): Promise<readonly Standing[]>;
}
