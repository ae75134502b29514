import { type Answers, isAlone, type Told } from "./wire.ts";

const ended: ReadonlySet<string> = new Set(["succeeded", "failed", "denied", "expired", "cancelled", "revoked"]);

/** All that was acknowledged before a process was killed, to be held against what its successor says. */
export class Acknowledged {
  readonly requests = new Map<string, string>();
  readonly votes = new Map<string, string>();
  readonly revoked = new Map<string, string>();
  readonly outcomes = new Map<string, string>();
  /** Locks that stand; one whose lifting has begun may be gone. */
  readonly locks = new Set<string>();
  /** How often somebody was locked. */
  locked = 0;
  /** Requests that were ever seen in doubt. */
  readonly doubts = new Set<string>();
  /** What a person said became of a request. */
  readonly resolved = new Map<string, string>();

  vote(id: string, who: string, verdict: string): void {
    this.votes.set(`${id} ${who}`, verdict);
  }

  /**
   * What a successor, and the target, have lost or made up.
   *
   * @param outcomes what callers had been told before it was asked.
   * @param rows how often each marker is at the target.
   * @param isOf whether a request is among those that were asked about.
   */
  contradictions(
    { requests, locks }: Answers["list"],
    outcomes: ReadonlyMap<string, string>,
    rows: ReadonlyMap<string, number>,
    isOf: (id: string) => boolean,
  ): readonly string[] {
    const found: string[] = [];
    const byId = new Map(requests.map((one) => [one.id, one]));
    for (const id of this.requests.keys()) if (isOf(id) && !byId.has(id)) found.push(`the request ${id} is lost`);
    for (const [key, verdict] of this.votes) {
      const [id = "", who = ""] = key.split(" ");
      const stands = byId.get(id)?.votes.some((vote) => vote.who === who && vote.verdict === verdict);
      if (isOf(id) && stands !== true) found.push(`the vote of ${who} on ${id} is lost`);
    }
    for (const [id, state] of this.revoked) {
      if (isOf(id) && byId.get(id)?.state !== state) found.push(`${id} was ${state} and is ${byId.get(id)?.state}`);
    }
    for (const [id, state] of this.resolved) {
      if (isOf(id) && byId.get(id)?.state !== state)
        found.push(`a person said that ${id} has ${state}; it is ${byId.get(id)?.state}`);
    }
    for (const [id, state] of outcomes) if (isOf(id)) found.push(...this.#outcome(id, state, byId.get(id)));
    for (const lock of this.locks) if (!locks.includes(lock)) found.push(`the lock ${lock} is lost`);
    for (const one of requests) found.push(...this.#atTarget(one, rows.get(one.marker) ?? 0));
    return found;
  }

  #outcome(id: string, state: string, now: Told | undefined): readonly string[] {
    if (now?.state === state) return [];
    if (state === "unknown" && (now?.state === "succeeded" || now?.state === "failed")) return [];
    return [`${id} ended as ${state} and is ${now?.state}`];
  }

  #atTarget({ id, marker, state, votes }: Told, rows: number): readonly string[] {
    if (state === "unknown") this.doubts.add(id);
    if (isAlone(marker)) return [];
    const found: string[] = [];
    if (rows > 1) found.push(`${id} ran ${rows} times`);
    if (state === "succeeded" && rows !== 1) found.push(`${id} succeeded and is not at the target`);
    if (ended.has(state) && state !== "succeeded" && rows !== 0) found.push(`${id} is ${state} and ran`);
    const yes = votes.filter(({ verdict }) => verdict === "approve").length;
    if (rows > 0 && yes < 2) found.push(`${id} ran with ${yes} votes`);
    return found;
  }
}
