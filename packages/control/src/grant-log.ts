import type { AuditLog } from "@countersign/audit";

/** What the audit log says of a grant. */
export interface RecordedGrant {
  readonly made: boolean;
  readonly revoked: boolean;
  /** The highest use that was given out. */
  readonly used: number;
}

/** How many grants are remembered; one that is forgotten is read again. */
const most = 10_000;

/**
 * What the audit log says of grants. A row of the store that is put back to what it was before is as well sealed as it was then: only the
 * log, from which nothing can be taken back unseen, knows that the grant was used or revoked since.
 */
export class GrantLog {
  readonly #audit: Pick<AuditLog, "recordsOf">;
  readonly #known = new Map<string, RecordedGrant>();

  constructor(audit: Pick<AuditLog, "recordsOf">) {
    this.#audit = audit;
  }

  /** What is on record; read once, then kept by {@link note}. */
  async of(grantId: string): Promise<RecordedGrant> {
    const known = this.#known.get(grantId);
    if (known !== undefined) return known;
    const records = (await this.#audit.recordsOf(grantId)).map(changeOf);
    const read: RecordedGrant = {
      made: records.some(({ change }) => change === "made"),
      revoked: records.some(({ change }) => change === "revoked"),
      used: Math.max(0, ...records.map(({ use }) => use)),
    };
    // What was noted while the log was read is newer.
    const noted = this.#known.get(grantId);
    if (noted !== undefined) return noted;
    if (this.#known.size >= most) this.#known.clear();
    this.#known.set(grantId, read);
    return read;
  }

  /** Whether a use was given out for a call. */
  async hasUse(grantId: string, use: number, call: string): Promise<boolean> {
    const changes = (await this.#audit.recordsOf(grantId)).map(changeOf);
    return changes.some((one) => one.change === "used" && one.use === use && one.call === call);
  }

  /** Notes what was recorded just now. */
  async note(grantId: string, change: Partial<RecordedGrant>): Promise<void> {
    this.#known.set(grantId, { ...(await this.of(grantId)), ...change });
  }
}

/** Our own bytes, read back; checked because a store may be damaged. */
function changeOf(bytes: Uint8Array): { readonly change: unknown; readonly use: number; readonly call?: unknown } {
  const value: unknown = JSON.parse(Buffer.from(bytes).toString());
  if (!isObject(value) || value.type !== "grant" || !isObject(value.detail)) return { change: undefined, use: 0 };
  const { change, use, call } = value.detail;
  return { change, use: change === "used" && typeof use === "number" ? use : 0, call };
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}
