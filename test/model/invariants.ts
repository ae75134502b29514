import type { RequestState, Vote } from "@countersign/policy";
import type { StoredRequest } from "../../packages/control/src/stores/request-store.ts";
import type { ModelLog } from "./model-log.ts";
import { agent, needed, resource, times } from "./people.ts";
import type { ModelTarget } from "./target.ts";

/** Where a request may go, written down a second time: by DESIGN.md, not by the code. */
const legal: Readonly<Record<string, readonly RequestState[]>> = {
  pending: ["approved", "denied", "expired", "cancelled"],
  approved: ["executing", "revoked", "expired", "cancelled"],
  executing: ["succeeded", "failed", "unknown"],
  unknown: ["succeeded", "failed"],
};

/** What an invariant looks at. */
export interface Seen {
  readonly requests: ReadonlyMap<string, StoredRequest>;
  readonly log: ModelLog;
  readonly target: ModelTarget;
}

/** What must hold in every state, judged by code that shares nothing with what it judges. */
export class Invariants {
  /** What was found to be wrong first. */
  broken: string | undefined;
  /** What calls that have returned have taken back: requests, and everything of a person, a caller or a resource. */
  readonly takenBack = new Set<string>();
  /** What had been taken back when an actor began to vote: what is taken back meanwhile is looked at again before anything runs. */
  readonly #before = new Map<string, Set<string>>();
  readonly #seen: Seen;

  constructor(seen: Seen) {
    this.#seen = seen;
  }

  /** An actor begins to vote. */
  votes(actor: string): void {
    this.#before.set(actor, new Set(this.takenBack));
  }

  /** A call begins to give back what had been taken back: from now on it may count, for those too who have begun to vote. */
  givesBack(what: string): void {
    for (const taken of [this.takenBack, ...this.#before.values()]) taken.delete(what);
  }

  /** A request was changed in the store by an actor. */
  changed(before: StoredRequest, after: StoredRequest, actor: string): void {
    const { requestId: id } = before.binding;
    const { log } = this.#seen;
    for (const vote of after.votes.slice(before.votes.length)) {
      if (!log.has("vote", id, ({ accepted }, { synced }) => accepted === true && synced)) {
        this.#break(`the vote of ${vote.approver.subject} is stored and not on the record`);
      }
    }
    if (after.state === before.state) return;
    const from = before.state;
    const to = after.state;
    if (!legal[from]?.includes(to)) this.#break(`a request went from ${from} to ${to}`);
    const recorded = log.has(
      "state",
      id,
      (detail, { synced }) => detail.from === from && detail.to === to && (synced || to === "executing"),
    );
    if (!recorded) this.#break(`a request went from ${from} to ${to} without a record`);
    if (to === "approved") this.#approved(before, after, actor);
    if (to === "executing") this.#claimed(before, after);
  }

  /** A statement is sent to the target, now. */
  sent(id: string): void {
    const { requests, target, log } = this.#seen;
    const request = requests.get(id);
    if (request === undefined) throw new Error(`${id} runs and does not exist`);
    if (target.sent().filter((one) => one.request === id).length > 1) this.#break("one approval ran twice");
    if (request.state !== "executing") this.#break(`it runs while it is ${request.state}`);
    if (!log.has("intent", id, (_, { synced }) => synced)) this.#break("it runs without an intent on disk");
    const over =
      log.has("state", id, ({ to }) => to !== "approved" && to !== "executing") || log.has("revocation", id, () => true);
    if (over) this.#break("it runs although the log holds that it has ended");
    for (const taken of [`request ${id}`, `principal ${agent.subject}`, `resource ${resource}`]) {
      if (this.takenBack.has(taken)) this.#break(`it runs after the call that took back the ${taken} had returned`);
    }
    const who = this.#agreed(request);
    if (who.length < needed)
      this.#break(`it runs with the agreement of ${who.join(", ") || "nobody"}, and ${needed} people have to agree`);
    if (request.votes.some(({ verdict }) => verdict === "deny")) this.#break("it runs although somebody said no");
  }

  /** Nothing is under way any more. */
  atRest(): void {
    const { requests, target, log } = this.#seen;
    for (const { request: id = "", state } of target.sent()) {
      const stands = requests.get(id)?.state;
      if (stands !== "succeeded" && stands !== "failed" && stands !== "unknown") {
        this.#break(`it ran, and the request stands as ${stands}`);
      }
      // A person may be wrong.
      if (log.has("resolution", id, () => true)) continue;
      if (stands === "succeeded" && state !== "committed") this.#break(`it stands as succeeded and was ${state}`);
      if (stands === "failed" && state === "committed") this.#break("it stands as failed and took effect");
      const outcome = log.has("outcome", id, () => true);
      if (stands !== "unknown" && !outcome) this.#break("it ran, and the log holds no outcome");
    }
    for (const request of requests.values()) {
      if (request.state === "executing") this.#break("nothing is under way, and a request stands as executing");
      // This target can always tell.
      if (request.state === "unknown") this.#break("nothing is under way, and what the target could tell is not known");
      if (log.count("outcome", request.binding.requestId) > 1) this.#break("the log holds two outcomes of one intent");
    }
  }

  /** The clock of a process shows less than has passed. */
  clockWentBack(): void {
    this.#break("the clock of the process went back");
  }

  /** What was acknowledged does not hold. */
  lost(what: string): void {
    this.#break(what);
  }

  fingerprint(): string {
    return [...this.takenBack].sort().join(",");
  }

  #approved(before: StoredRequest, after: StoredRequest, actor: string): void {
    const last = after.votes.at(-1);
    if (after.votes.length !== before.votes.length + 1 || last === undefined || last.approver.subject !== actor) {
      this.#break(`it became approved by ${actor}, without a vote`);
      return;
    }
    const who = this.#agreed(after, this.#before.get(actor));
    if (who.length < needed) this.#break(`it became approved by ${who.join(", ") || "nobody"} alone`);
    if (last.timeMs >= before.binding.expiry.pendingUntilMs) this.#break("it became approved after its time");
  }

  #claimed(before: StoredRequest, after: StoredRequest): void {
    const approvedMs = Math.max(...before.votes.map(({ timeMs }) => timeMs));
    if (after.changedMs >= approvedMs + times.validMs) this.#break("it was claimed after its time");
    if (after.changedMs + times.skewMs < before.changedMs)
      this.#break("it was claimed before it was approved: the clock was set back");
  }

  /** The people whose yes counts: each once, none of them the agent, its owner or locked, all over this digest. */
  #agreed(request: StoredRequest, takenBack: ReadonlySet<string> = this.takenBack): readonly string[] {
    const counts = (vote: Vote) =>
      vote.verdict === "approve" &&
      vote.requestDigest === request.requestDigest &&
      vote.approver.subject !== agent.subject &&
      vote.approver.subject !== agent.owner &&
      !takenBack.has(`approver ${person(vote)}`) &&
      (vote.approver.groups.includes("dba") || this.#wasAsked(vote, request));
    return [...new Set(request.votes.filter(counts).map(person))];
  }

  #wasAsked({ approver, timeMs }: Vote, { binding }: StoredRequest): boolean {
    const openedMs = binding.expiry.pendingUntilMs - times.pendingMs;
    return approver.groups.includes("leads") && timeMs >= openedMs + times.escalateMs;
  }

  #break(what: string): void {
    this.broken ??= what;
  }
}

function person({ approver }: Vote): string {
  return approver.subject === "alice-oncall" ? "alice" : approver.subject;
}
