import type { AuditLog, Durability, LogReceipt, OpenIntent, RecordDraft } from "../../packages/audit/src/index.ts";
import { AuditError, standingTypes } from "../../packages/audit/src/index.ts";
import type { Scheduler, Way } from "./scheduler.ts";

/** A record in the log, and whether it would survive a power cut. */
interface Entry {
  readonly sidecar: string;
  readonly record: RecordDraft;
  synced: boolean;
}

/** An audit log in memory that outlives a process, as the real one's file does. */
export class ModelLog implements AuditLog {
  entries: Entry[] = [];
  readonly #scheduler: Scheduler;
  readonly #faults: (name: string, work: () => never) => readonly Way[];

  /** @param faults Gives the way in which a write may fail, if it may. */
  constructor(scheduler: Scheduler, faults: (name: string, work: () => never) => readonly Way[]) {
    this.#scheduler = scheduler;
    this.#faults = faults;
  }

  append(writer: string, drafts: readonly RecordDraft[], durability: Durability): Promise<readonly LogReceipt[]> {
    const name = `records ${drafts.map(described).join(" and ")}`;
    const store = () => {
      this.entries.push(...drafts.map((record) => ({ sidecar: writer, record, synced: false })));
    };
    const work = () => {
      const first = this.entries.length;
      store();
      if (durability === "durable") for (const entry of this.entries) entry.synced = true;
      return this.entries.slice(first).map((entry, offset) => ({
        ...{ index: first + offset, record: this.#bytes(entry), proof: [], checkpoint: "" },
      }));
    };
    const fail = () => {
      throw new AuditError("unavailable", "The disk is full.");
    };
    const failToSync = () => {
      store();
      return fail();
    };
    return this.#scheduler.step(name, work, () => [
      ...this.#faults("the log fails", fail),
      ...this.#faults("the log cannot be synced", failToSync),
    ]);
  }

  openIntents(writer: string): Promise<readonly OpenIntent[]> {
    return this.#scheduler.step("reads open intents", () =>
      this.openIn(writer).map((request) => ({
        request,
        record: this.#bytes(this.entries.find((one) => one.record.type === "intent" && one.record.request === request)),
      })),
    );
  }

  recordsOf(request: string): Promise<readonly Uint8Array[]> {
    const own = (entry: Entry) => entry.record.request === request;
    return this.#scheduler.step("reads records", () => this.entries.filter(own).map((entry) => this.#bytes(entry)));
  }

  standing(): Promise<readonly Uint8Array[]> {
    return this.#scheduler.step("reads what stands", () =>
      this.entries.filter(({ record }) => standingTypes.has(record.type)).map((entry) => this.#bytes(entry)),
    );
  }

  /** The requests whose intents have no outcome. */
  openIn(writer: string): readonly string[] {
    const of = (type: RecordDraft["type"]) =>
      this.entries.filter((one) => one.sidecar === writer && one.record.type === type).map((one) => one.record.request ?? "");
    const ended = new Set(of("outcome"));
    return of("intent").filter((request) => !ended.has(request));
  }

  /** Whether there is a record of a type about a request of which something holds. */
  has(type: RecordDraft["type"], request: string, holds: (detail: Record<string, unknown>, entry: Entry) => boolean): boolean {
    return this.entries.some(
      (entry) => entry.record.type === type && entry.record.request === request && holds(detailOf(entry.record), entry),
    );
  }

  /** How many records of a type there are about a request. */
  count(type: RecordDraft["type"], request: string): number {
    return this.entries.filter(({ record }) => record.type === type && record.request === request).length;
  }

  /** The power goes: what was not synced is lost. */
  cutPower(): void {
    this.entries = this.entries.filter(({ synced }) => synced);
  }

  fingerprint(): string {
    // What is looked at again after a crash.
    const about = this.entries.filter(({ record }) => isLasting(record));
    const unsynced = this.entries.filter(({ synced }) => !synced);
    return [about, unsynced].map((some) => some.map(({ record }) => described(record)).join(",")).join(";");
  }

  #bytes(entry: Entry | undefined): Uint8Array {
    if (entry === undefined) throw new Error("no such record");
    return Buffer.from(
      JSON.stringify({ ...entry.record, time: new Date(entry.record.timeMs).toISOString(), sidecar: entry.sidecar }),
    );
  }
}

function isLasting(record: RecordDraft): boolean {
  const { to } = detailOf(record);
  return (
    ["intent", "outcome", "revocation"].includes(record.type) ||
    (typeof to === "string" && to !== "approved" && to !== "executing")
  );
}

function described(record: RecordDraft): string {
  const { from, to, accepted, change, code, outcome } = detailOf(record);
  const what = record.type === "state" ? [from, to] : [accepted === false ? "refused" : undefined, change, code, outcome];
  return [record.type, ...what.filter((one) => typeof one === "string")].join(" ");
}

function detailOf({ detail }: RecordDraft): Record<string, unknown> {
  return typeof detail === "object" && detail !== null && !Array.isArray(detail) ? { ...detail } : {};
}
