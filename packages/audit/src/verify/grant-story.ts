import type { ParsedRecord } from "./record.ts";

/** A grant in force. */
interface OpenGrant {
  readonly uses: number;
  /** Milliseconds since the Unix epoch. */
  readonly untilMs: number;
  used: number;
}

/** A use that was given out and not dispatched yet. */
interface OpenUse {
  readonly grant: string;
  readonly use: number;
  readonly action: string | undefined;
}

/**
 * Whether what the records say of grants can be true: each was made by votes for exactly it, is used in order, within its number and its
 * time and not after it was revoked, and each dispatch by one has a use of its own. Memory grows with what is open, not with the log.
 */
export class GrantStory {
  /** Digests of the grants that votes on a request were for. */
  readonly #signed = new Map<string, Set<string>>();
  readonly #grants = new Map<string, OpenGrant>();
  /** By the call's id. */
  readonly #uses = new Map<string, OpenUse>();

  /** Takes the next record; gives what does not fit the ones before it, in words. */
  *next(record: ParsedRecord): Generator<string> {
    const { type, request, detail } = record;
    if (request === undefined) return;
    if (type === "grant") yield* this.#grant(record, request);
    if (type === "vote" && detail.accepted === true && detail.verdict === "approve" && typeof detail.grant === "string") {
      const digests = this.#signed.get(request) ?? new Set();
      this.#signed.set(request, digests.add(detail.grant));
    }
    if (type === "state") this.#signed.delete(request);
    if (type === "refusal") this.#uses.delete(request);
    if (type === "intent" && detail.effect === "grant") {
      const use = this.#uses.get(request);
      this.#uses.delete(request);
      if (use === undefined || use.grant !== detail.grant || use.use !== detail.use || use.action !== record.action)
        yield `${request} was dispatched by the grant ${String(detail.grant)}, and no use of it for that is recorded before it`;
    }
  }

  *#grant({ detail, time, action }: ParsedRecord, id: string): Generator<string> {
    const timeMs = Date.parse(time);
    const grant = this.#grants.get(id);
    if (detail.change === "made") {
      for (const [other, { untilMs }] of this.#grants) if (untilMs < timeMs) this.#grants.delete(other);
      const votes = this.#signed.get(String(detail.of));
      if (votes?.has(String(detail.digest)) !== true) yield `${id} was made, and no vote for it is recorded before it`;
      else if (grant !== undefined) yield `${id} was made twice`;
      else this.#grants.set(id, { uses: Number(detail.uses), untilMs: Number(detail.untilMs), used: 0 });
    }
    if (detail.change === "revoked") this.#grants.delete(id);
    if (detail.change === "used") {
      const use = Number(detail.use);
      if (grant === undefined || !(timeMs < grant.untilMs)) yield `${id} was used, and was not in force`;
      else if (use !== grant.used + 1 || use > grant.uses)
        yield `${id} was used out of its order or number (use ${use} of ${grant.uses})`;
      else {
        grant.used = use;
        this.#uses.set(String(detail.call), { grant: id, use, action });
      }
    }
  }
}
