import type { RecordDraft } from "@countersign/audit";
import type { Digest, Limits, Principal, TargetIdentity } from "@countersign/policy";
import { GrowingText } from "./growing-text.ts";
import type { PassageEnd } from "./passage.ts";

/** What is the same for all passages of a record. */
export interface SharedTerms {
  readonly connection: string;
  readonly principal: Pick<Principal, "issuer" | "subject" | "groups">;
  readonly resource: string;
  readonly role: string;
  readonly target: TargetIdentity;
  readonly policy: Digest;
  readonly rules: readonly string[];
  readonly limits: Limits;
  readonly readOnly: boolean;
  /** The client's own words; untrusted. */
  readonly session: string;
  readonly reason: string;
}

/** A passage's state in its record; `running`: its end is in the second part of the record. */
export type PassageState = PassageEnd["state"] | "running";

/** How a passage ended, or that it runs. */
export type RowEnd = Omit<PassageEnd, "state"> & { readonly state: PassageState };

/** What a record says of its passages without their payload. */
interface Counts extends Record<PassageState, number> {
  rows: number;
  bytes: number;
}

/** A record that allowed operations of one connection share, before it is in the log. */
export class SharedRecord {
  /** Its name in the journal. */
  readonly serial: number;
  readonly id: string;
  /** 1; 2 for the ends of those that were running when the first part had to be written. */
  readonly part: 1 | 2;
  readonly terms: SharedTerms;
  /** Milliseconds since the Unix epoch; the times of passages count from here. */
  readonly openedMs: number;
  readonly #operations = new GrowingText();
  readonly #rows = new GrowingText();
  readonly #counts: Counts = { succeeded: 0, failed: 0, unknown: 0, unsent: 0, running: 0, rows: 0, bytes: 0 };
  #lastMs = 0;

  constructor(about: Pick<SharedRecord, "serial" | "id" | "part" | "terms" | "openedMs">) {
    this.serial = about.serial;
    this.id = about.id;
    this.part = about.part;
    this.terms = about.terms;
    this.openedMs = about.openedMs;
  }

  /** Bytes of the payload so far. */
  get size(): number {
    return this.#operations.length + this.#rows.length;
  }

  /** Whether it says of a passage that it runs, so that there is a second part. */
  get runs(): boolean {
    return this.#counts.running > 0;
  }

  /** @param operation as JSON, without its parameters. */
  addOperation(operation: string): void {
    this.#operations.add(this.#operations.isEmpty ? operation : `,${operation}`);
  }

  /** @param row as {@link rowText} makes it. */
  addRow(row: string, atMs: number, { state, rows, bytes }: Pick<RowEnd, "state" | "rows" | "bytes">): void {
    this.#rows.add(this.#rows.isEmpty ? row : `,${row}`);
    this.#counts[state]++;
    this.#counts.rows += rows;
    this.#counts.bytes += bytes;
    if (atMs > this.#lastMs) this.#lastMs = atMs;
  }

  /** The operations so far, as a JSON list. */
  operations(): string {
    return `[${this.#operations}]`;
  }

  /** The rows so far, as a JSON list. */
  rows(): string {
    return `[${this.#rows}]`;
  }

  /** The audit record. @param recovered A crash ended its process. */
  draft(timeMs: number, recovered: boolean): RecordDraft {
    const { connection, principal, resource, role, target, policy, rules, limits, readOnly, session, reason } = this.terms;
    const { rows, bytes, ...states } = this.#counts;
    const words = JSON.stringify({ ...(reason === "" ? {} : { reason }), ...(session === "" ? {} : { session }) });
    const head = `${words === "{}" ? "{" : `${words.slice(0, -1)},`}"operations":[`;
    return {
      ...{ type: "statements", timeMs, request: this.id, principal, resource, policy },
      detail: {
        ...{ part: this.part, effect: "allow", rules, role, limits: { ...limits }, target: { ...target }, readOnly, connection },
        ...{ firstMs: this.openedMs, lastMs: Math.ceil(this.openedMs + this.#lastMs) },
        ...{ count: Object.values(states).reduce((sum, one) => sum + one, 0), ...states, rows, bytes },
        ...(recovered && { recovered }),
      },
      payload: Buffer.concat([
        Buffer.from(head),
        this.#operations.bytes(),
        Buffer.from('],"passages":['),
        this.#rows.bytes(),
        Buffer.from("]}"),
      ]),
    };
  }
}
