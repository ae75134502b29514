import {
  CountersignError,
  type Policy,
  type Principal,
  type RequestSnapshot,
  type RequestState,
  type Revocation,
} from "@countersign/policy";
import type { Viewer } from "./event-writer.ts";
import type { Gathering } from "./evidence/gathering.ts";
import { Redeciding } from "./redeciding.ts";
import type { Replacing } from "./replacing.ts";
import { replay } from "./replay.ts";
import { Run, type RunParts } from "./run.ts";
import { firstPlace, placeAfter, type Succession } from "./succession.ts";

/** What holding requests takes. */
export interface HeldParts extends Omit<RunParts, "redecide"> {
  readonly policy: () => Policy;
  readonly replacing: Replacing;
  readonly gathering: Pick<Gathering, "start">;
}

/** The open requests of this sidecar, each with its run, and what takes their places. */
export class HeldRequests {
  readonly #parts: HeldParts & RunParts;
  readonly #runs = new Map<string, Run>();
  /** How many requests each principal has open. */
  readonly #open = new Map<string, number>();
  readonly #redeciding = new Redeciding<Run>(async (run) => {
    if (run.isHeld) await this.#redecide(run.request);
  });
  #closed = false;

  constructor(parts: HeldParts) {
    this.#parts = { ...parts, redecide: (request) => this.#redecide(request) };
  }

  /** How many requests a principal has open. */
  countOf(principal: Principal): number {
    return this.#open.get(nameOf(principal)) ?? 0;
  }

  /** Follows a request from now on, unless it is followed already. */
  hold(request: RequestSnapshot): void {
    const { requestId } = request.binding;
    if (this.#closed || this.#runs.has(requestId)) return;
    const run = new Run(request, this.#parts);
    const name = nameOf(request.action.principal);
    this.#runs.set(requestId, run);
    this.#open.set(name, (this.#open.get(name) ?? 0) + 1);
    // Policy may have changed between the decision and now: who was not among the held ones when it did is asked about here.
    this.#askAgain(run);
    this.#parts.gathering.start(request);
    void run.ended.finally(() => {
      this.#runs.delete(requestId);
      const left = (this.#open.get(name) ?? 1) - 1;
      if (left > 0) this.#open.set(name, left);
      else this.#open.delete(name);
      if (run.succession !== undefined) this.#replaced(run.id, run.succession);
    });
  }

  /** Tells a viewer about a request and whatever takes its place, numbered on, from a sequence on, to the end. */
  async view(first: RequestSnapshot, viewer: Viewer, afterSequence: number): Promise<void> {
    let place = firstPlace(afterSequence);
    for (let request: RequestSnapshot | undefined = first; request !== undefined; ) {
      const run: Run | undefined = this.#runs.get(request.binding.requestId);
      const next: Succession | undefined = run
        ? await run.attach(viewer, place)
        : await replay(request, this.#parts, viewer, place);
      if (next === undefined) return;
      place = placeAfter(place, next);
      request = await this.#takeUp(next);
    }
  }

  /**
   * Cancels a request, or what has taken its place by now.
   *
   * @throws {CountersignError} `not_cancellable` when it has ended.
   */
  async cancel(request: RequestSnapshot, by: string): Promise<RequestState> {
    const last = await this.#last(request);
    const run = this.#runs.get(last.binding.requestId);
    try {
      if (run !== undefined) return await run.cancel(by);
    } catch (error) {
      if (!(error instanceof CountersignError && error.code === "not_cancellable")) throw error;
      // Another may have taken its place in this very moment: then that is the one to cancel.
      const [now] = await this.#parts.requests.list({ id: run?.id ?? "" });
      if (now?.outcome?.replacedBy !== undefined) return this.cancel(now, by);
    }
    throw new CountersignError("not_cancellable", "The request has ended.", { requestId: request.binding.requestId });
  }

  /** Asks what runs to stop when what was revoked is about it. */
  revoke(revocation: Revocation): void {
    for (const run of this.#runs.values()) run.revoke(revocation);
  }

  /** Another policy is in force: what is held is asked about again, off everybody else's way. */
  policyChanged(): void {
    for (const run of this.#runs.values()) this.#askAgain(run);
  }

  /** Lets go of everything that is held and stops what runs; held requests stay as they are. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#redeciding.close();
    await Promise.all([...this.#runs.values()].map((run) => run.close()));
  }

  #askAgain(run: Run): void {
    if (run.isHeld && run.request.binding.policyDigest !== this.#parts.policy().digest) this.#redeciding.add(run);
  }

  /** Now, or as soon as it can be written down. */
  async #redecide(request: RequestSnapshot): Promise<"same" | "ended"> {
    const { persistence, replacing } = this.#parts;
    let result: "same" | "ended" = "ended";
    await persistence.attempt(async () => {
      result = await replacing.redecide(request);
    });
    return result;
  }

  #replaced(id: string, succession: Succession): void {
    this.#parts.onStep("replaced", id);
    void this.#parts.persistence.attempt(() => this.#takeUp(succession));
  }

  /** Follows what took a request's place, unless it has ended as well. */
  async #takeUp({ requestId }: Succession): Promise<RequestSnapshot | undefined> {
    const [request] = await this.#parts.requests.list({ id: requestId });
    if (request?.state === "pending" || request?.state === "approved") this.hold(request);
    return request;
  }

  /** A request, or what has taken its place by now. */
  async #last(request: RequestSnapshot): Promise<RequestSnapshot> {
    const next = request.outcome?.replacedBy;
    const [found] = next === undefined ? [] : await this.#parts.requests.list({ id: next });
    return found === undefined ? request : this.#last(found);
  }
}

function nameOf({ issuer, subject }: Pick<Principal, "issuer" | "subject">): string {
  return JSON.stringify([issuer, subject]);
}
