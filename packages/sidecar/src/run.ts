import { setTimeout as sleep } from "node:timers/promises";
import {
  type Action,
  CountersignError,
  isFinal,
  type Outcome,
  type RequestEvent,
  type RequestSnapshot,
  type RequestState,
  type Revocation,
} from "@countersign/policy";
import { chunkBody } from "./chunk-forms.ts";
import { type ClaimingParts, claim } from "./claiming.ts";
import { conclude } from "./conclusion.ts";
import { type DispatchParts, dispatch, notDispatched } from "./dispatch.ts";
import type { DoubtParts } from "./doubt.ts";
import { EventWriter, type Viewer } from "./event-writer.ts";
import { isAbout, takenBack } from "./live-calls.ts";
import { permitOf } from "./permit.ts";
import type { Persistence } from "./persist.ts";
import type { Connector, ResultSink } from "./protocols/connector.ts";
import { decisionBody, eventBody } from "./request-events.ts";
import type { Results } from "./results.ts";
import { type Place, replacedBody, type Succession } from "./succession.ts";
import { type EventBody, wireReceipt } from "./wire.ts";

/** What a run needs of the sidecar. */
export interface RunParts extends DispatchParts, DoubtParts, ClaimingParts {
  readonly results: Results;
  readonly persistence: Persistence;
  readonly approvalUrl: (id: string) => string;
  /** By what an action runs. */
  readonly way: (action: Action) => Pick<Connector, "dispatch">;
  /** How long a request of a caller that is not there may wait for it to come back, milliseconds. */
  readonly graceMs: number;
}

/**
 * One request in the hands of this sidecar: held until it is decided, then claimed and dispatched, told to whoever views it. A request that is
 * not durable lives only as long as somebody views it.
 */
export class Run {
  readonly id: string;
  /** Resolves when the request has ended and every viewer was told. */
  readonly ended: Promise<void>;
  #request: RequestSnapshot;
  readonly #parts: RunParts;
  readonly #history: { sequence: number; timeMs: number; body: EventBody }[] = [];
  readonly #writers = new Set<EventWriter>();
  /** Stops following: the sidecar shuts down. */
  readonly #stop = new AbortController();
  /** Asks a running dispatch to stop. */
  readonly #cancel = new AbortController();
  #readOnly = false;
  #state: RequestState;
  #succession: Succession | undefined;
  #arrived = Promise.withResolvers<void>();

  constructor(request: RequestSnapshot, parts: RunParts) {
    this.id = request.binding.requestId;
    this.#request = request;
    this.#state = request.state;
    this.#parts = parts;
    if (!request.durable) void this.#awaitCaller();
    this.ended = this.#follow();
  }

  /** The request as it was opened, or as it was claimed. */
  get request(): RequestSnapshot {
    return this.#request;
  }

  /** Whether it waits: for people, or to be claimed. */
  get isHeld(): boolean {
    return this.#state === "pending" || this.#state === "approved";
  }

  get #isPlan(): boolean {
    return this.#request.action.operation.kind === "plan";
  }

  /** What took its place; there once it has ended because of that. */
  get succession(): Succession | undefined {
    return this.#succession;
  }

  /**
   * Tells a viewer what has happened and what happens next; resolves when it ended or the viewer went away. Gives what took its place, about
   * which the viewer has to be told as well, also when they have just gone: somebody has to notice it there.
   */
  async attach(viewer: Viewer, { after, offset }: Place): Promise<Succession | undefined> {
    const writer = new EventWriter(viewer, this.id, this.#parts.now, offset);
    if (after < 0) void writer.add(0, decisionBody(this.#request), this.#request.createdMs);
    for (const past of this.#history) {
      if (past.sequence > after) void writer.add(past.sequence, past.body, past.timeMs);
    }
    this.#writers.add(writer);
    this.#arrived.resolve();
    const left = Promise.withResolvers<void>();
    const leave = () => left.resolve();
    viewer.signal.addEventListener("abort", leave, { once: true });
    if (viewer.signal.aborted) leave();
    try {
      await writer.flush();
      await Promise.race([this.ended, left.promise]);
    } finally {
      viewer.signal.removeEventListener("abort", leave);
      this.#writers.delete(writer);
    }
    if (viewer.signal.aborted) await this.#viewerLeft();
    return this.#succession;
  }

  /**
   * Cancels: at once while held, as a best effort while it runs.
   *
   * @throws {CountersignError} `not_cancellable` when it has ended.
   */
  async cancel(by: string): Promise<RequestState> {
    if (this.#state === "executing" && !this.#isPlan) {
      this.#cancel.abort();
      return "executing";
    }
    const settled = await this.#parts.requests.settle(this.id, {
      outcome: cancelled(`Cancelled by ${by}.`),
      by,
      resultEvents: 0,
    });
    return settled.state;
  }

  /** Asks a running dispatch to stop when what was revoked is about it; what waits is ended by the control plane. */
  revoke(revocation: Revocation): void {
    const { principal: owner, resource } = this.#request.action;
    const { grant } = this.#request;
    const about = { id: this.id, owner, resource, ...(grant && { grant: grant.grantId }) };
    if (this.#state === "executing" && isAbout(revocation, about)) this.#cancel.abort(takenBack);
  }

  /** Lets go without ending the request: the sidecar shuts down. A running dispatch is asked to stop. */
  async close(): Promise<void> {
    this.#stop.abort();
    this.#cancel.abort();
    await this.ended;
  }

  async #follow(): Promise<void> {
    const { requests, onStep } = this.#parts;
    try {
      for await (const event of requests.watch(this.id, 0, this.#stop.signal)) {
        if (event.sequence <= this.#lastSequence()) continue;
        await this.#publish(event);
        if (event.type === "pending") onStep("held", this.id);
        if (event.type === "approved") {
          onStep("approved", this.id);
          // A plan's lines run when its caller says so.
          if (!this.#isPlan) await this.#execute();
        }
      }
    } catch (error) {
      if (!this.#stop.signal.aborted) await this.#lost(error);
    }
  }

  async #execute(): Promise<void> {
    if (!this.#request.durable) await Promise.race([this.#arrived.promise, aborted(this.#stop.signal)]);
    if (this.#stop.signal.aborted) return;
    const claimed = await claim(this.#request, this.#parts, this.#stop.signal);
    if (claimed === undefined) return;
    this.#request = claimed;
    await this.#publish({ type: "executing", sequence: claimed.sequence, timeMs: claimed.changedMs });
    this.#parts.onStep("claimed", this.id);
    await this.#dispatch(claimed);
  }

  async #dispatch(claimed: RequestSnapshot): Promise<void> {
    const { requests, examine, results, onStep } = this.#parts;
    const spool = claimed.durable ? results.create(this.id) : undefined;
    let sequence = claimed.sequence;
    const sink: ResultSink = (chunk) => {
      sequence++;
      return spool === undefined ? this.#send(sequence, chunkBody(chunk)) : spool.add(chunk);
    };
    let ended: Awaited<ReturnType<typeof dispatch>>;
    let effect: "allow" | "review" = "review";
    try {
      const permit = permitOf(claimed, await examine(claimed), this.#parts);
      this.#readOnly = permit.readOnly;
      effect = permit.source.effect === "allow" ? "allow" : "review";
      // A kept result is bounded even where policy does not bound it.
      const limits =
        spool === undefined
          ? permit.limits
          : { ...permit.limits, bytes: Math.min(permit.limits.bytes ?? Infinity, results.capBytes) };
      ended = await dispatch({ ...permit, limits }, this.#parts.way(permit.action), this.#parts, sink, {
        signal: this.#cancel.signal,
        confirm: async () => void permitOf(claimed, await examine(claimed), this.#parts),
      });
    } catch (error) {
      ended = { outcome: notDispatched(error), dispatched: false };
    }
    const { receipt } = ended;
    // A claimed request cannot be cancelled any more: it failed, and its failure says that nothing ran.
    const outcome: Outcome = ended.outcome.state === "cancelled" ? { ...ended.outcome, state: "failed" } : ended.outcome;
    if (ended.dispatched) onStep("outcome", this.id);
    const { grant, binding } = claimed;
    const proven = { requestId: this.id, actionDigest: binding.actionDigest, effect, ...(grant && { grant: grant.grantId }) };
    const proof = receipt && wireReceipt(proven, receipt);
    await spool?.finish(proof).catch(() => {});
    // Settled first where the store works, so that a later look agrees with what the caller is told now.
    const resultEvents = sequence - claimed.sequence;
    await conclude(ended, this.#parts, () => requests.settle(this.id, { outcome, by: "sidecar", resultEvents }));
    await this.#publish({ type: "ended", sequence: sequence + 1, timeMs: this.#parts.now(), outcome }, proof);
  }

  #lastSequence(): number {
    return this.#history.at(-1)?.sequence ?? 0;
  }

  async #publish(event: RequestEvent, receipt?: Parameters<typeof eventBody>[3]): Promise<void> {
    if (event.type !== "vote" && event.type !== "escalated")
      this.#state = event.type === "ended" ? event.outcome.state : event.type;
    const { requests, approvalUrl } = this.#parts;
    const ended = event.type === "ended" ? event.outcome : undefined;
    if (ended?.replacedBy !== undefined) this.#succession = { requestId: ended.replacedBy, sequence: event.sequence };
    const body =
      (ended && (await replacedBody(this.#request, ended, requests))) ??
      eventBody(event, this.#request, approvalUrl(this.id), receipt);
    this.#history.push({ sequence: event.sequence, timeMs: event.timeMs, body });
    const replay = event.type === "ended" && this.#request.durable;
    await Promise.all(
      [...this.#writers].map(async (writer) => {
        if (replay) await this.#parts.results.replay(this.id, event.sequence, 0, writer);
        await writer.say(event.sequence, body, event.timeMs);
      }),
    );
  }

  /** A part of a live result, to everybody who views; the slowest sets the pace. */
  #send(sequence: number, body: EventBody): void | Promise<void> {
    const waits: Promise<void>[] = [];
    for (const writer of this.#writers) {
      const wait = writer.add(sequence, body);
      if (wait !== undefined) waits.push(wait);
    }
    if (waits.length > 0) return Promise.all(waits).then(() => {});
  }

  async #viewerLeft(): Promise<void> {
    if (this.#request.durable || this.#writers.size > 0 || isFinal(this.#state) || this.#stop.signal.aborted) return;
    if (this.#state !== "executing") {
      await this.#parts.persistence.attempt(() => this.#cancelHeld("The caller went away while it was held."));
    } else if (this.#readOnly) {
      this.#cancel.abort();
    }
  }

  async #cancelHeld(message: string): Promise<void> {
    try {
      await this.#parts.requests.settle(this.id, {
        outcome: cancelled(message),
        by: this.#request.action.principal.subject,
        resultEvents: 0,
      });
    } catch (error) {
      // It was decided or claimed in the same moment: that stands.
      if (!(error instanceof CountersignError && error.code === "not_cancellable")) throw error;
    }
  }

  async #awaitCaller(): Promise<void> {
    await Promise.race([
      this.#arrived.promise,
      sleep(this.#parts.graceMs, undefined, { signal: this.#stop.signal, ref: false }).catch(() => {}),
    ]);
    if (this.#writers.size === 0) await this.#viewerLeft();
  }

  /** The control plane cannot be followed any more: viewers are told, the request itself stays as it is. */
  async #lost(error: unknown): Promise<void> {
    const outcome = notDispatched(error);
    const body = eventBody({ type: "ended", sequence: 0, timeMs: 0, outcome }, this.#request, "");
    await Promise.all([...this.#writers].map((writer) => writer.say(this.#lastSequence() + 1, body)));
  }
}

function cancelled(message: string): Outcome {
  return { state: "cancelled", failure: { code: "cancelled", message, retryable: false }, rows: 0, bytes: 0, durationMs: 0 };
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
}
