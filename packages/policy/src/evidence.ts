/**
 * What may be found out about a held action before anybody votes: what the target means to do, or what came of trying it out; `locks`: only what its
 * client's open transaction holds meanwhile, which needs no rule.
 */
export type EvidenceKind = "plan" | "effect" | "locks";

/** One row that would change. Values are PostgreSQL's text forms, shortened; null = NULL. */
export interface RowChange {
  readonly columns: readonly string[];
  /** Absent: the row is new, unless {@link beforeUnknown}. */
  readonly before?: readonly (string | null)[];
  /** Absent: the row goes. */
  readonly after?: readonly (string | null)[];
  /** How it is now could not be found out. */
  readonly beforeUnknown?: true;
}

/** One field of an object that would be different. */
export interface FieldChange {
  /** Where it stands, e.g. `spec.template.spec.containers[name=web].image`. */
  readonly path: string;
  /** As it is, as JSON, shortened; absent: the field is new. */
  readonly before?: string;
  /** As it would be; absent: the field goes. */
  readonly after?: string;
}

/** What an action would do, as far as that could be found out. Shown to approvers, never to the agent; not part of what is signed. */
export interface Evidence {
  readonly kind: EvidenceKind;
  /** When it was found out. */
  readonly timeMs: number;
  /** What could not be found out, and why; never to be taken for "no effect". */
  readonly failure?: string;
  /** PostgreSQL's plan as text, one step in a line; nothing in it breaks a line. */
  readonly plan?: string;
  /** Rows that the planner expects. */
  readonly estimatedRows?: number;
  /** Rows that it changed in a transaction that was rolled back. */
  readonly affectedRows?: number;
  /** Some of those rows. */
  readonly sample?: readonly RowChange[];
  /** What would be different afterwards, as lines that begin with `+`, `-` or a space. */
  readonly difference?: string;
  /** What a target that tried it without storing anything said would be different, and how many more than are listed. Absent = it was not tried. */
  readonly changes?: { readonly fields: readonly FieldChange[]; readonly more: number };
  /** What it is about, as it is now. */
  readonly about?: readonly { readonly name: string; readonly text: string }[];
  /** What the open transaction of its client holds at the target while it waits, the strongest lock first, one in a line. Absent = it was not asked. */
  readonly locks?: readonly string[];
  /** What else an approver should know, in sentences. */
  readonly notes: readonly string[];
}

/** Where a sidecar brings evidence, as it sees the control plane. */
export interface EvidenceBook {
  /**
   * Records that evidence is being gathered: a trial uses the credential of the role, so the log must know before. False when there is nothing
   * to gather: the request does not wait any more, or has evidence.
   *
   * @throws {CountersignError} `audit_unavailable` and `control_plane_unavailable`: then nothing may be tried.
   */
  begin(requestId: string, kind: EvidenceKind): Promise<boolean>;
  /** Records and stores it, beside the request, for those who vote. What comes when the request has ended is let go. */
  attach(requestId: string, evidence: Evidence): Promise<void>;
}
