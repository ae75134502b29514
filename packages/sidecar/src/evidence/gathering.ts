import { setTimeout as sleep } from "node:timers/promises";
import {
  CountersignError,
  connectionOf,
  type Evidence,
  type EvidenceBook,
  hidingWith,
  type RequestBook,
  type RequestSnapshot,
  type Revocations,
} from "@countersign/policy";
import { type Asking, callOf } from "../asking.ts";
import { isAbout } from "../live-calls.ts";
import type { HeldLocks, OwnConnection } from "../native/own-connection.ts";
import type { OwnConnections } from "../native/own-connections.ts";
import type { Persistence } from "../persist.ts";
import type { Resources } from "../resources.ts";
import type { EvidenceSource, EvidenceWish } from "./evidence-source.ts";
import { Waiting } from "./waiting.ts";

/** What gathering evidence takes. */
export interface GatheringParts {
  readonly evidence: EvidenceBook;
  readonly requests: Pick<RequestBook, "watch">;
  readonly revocations: Pick<Revocations, "onRevoked">;
  readonly resources: Resources;
  readonly persistence: Persistence;
  readonly asking: Pick<Asking, "ask">;
  readonly connections: Pick<OwnConnections, "of">;
  /** Milliseconds since the Unix epoch. */
  readonly now: () => number;
}

/** What waits for one resource, and who serves it while there is something. */
interface Line {
  readonly waiting: Waiting<RequestSnapshot>;
  serving?: Promise<void>;
}

/** How many requests of one caller may wait to be looked into, for each resource. */
const mostWaiting = 50;
/** Longest gathering, milliseconds. */
const longestMs = 10_000;
/** A resource is left alone for so many times as long as gathering took: whoever holds statements at it must not keep it busy by that. */
const restFactor = 3;

/**
 * Finds out for approvers what held requests would do, off everybody's way: one at a time for each resource, callers in turn, with rests between.
 * It ends as soon as the request does not wait any more: nothing of it may stand in the way of what was approved.
 */
export class Gathering {
  readonly #parts: GatheringParts;
  readonly #lines = new Map<string, Line>();
  readonly #stop = new AbortController();

  constructor(parts: GatheringParts) {
    this.#parts = parts;
  }

  /** Puts a request in line, when its rules ask for evidence and its resource can tell. Returns at once. */
  start(request: RequestSnapshot): void {
    const { action, decision, state } = request;
    if (this.#stop.signal.aborted || state !== "pending" || decision.effect !== "review") return;
    if (action.operation.kind === "plan") return;
    if (!this.#isLookedInto(request) && this.#locksOf(request) === undefined) return;
    const line: Line = this.#lines.get(action.resource) ?? { waiting: new Waiting<RequestSnapshot>(mostWaiting) };
    this.#lines.set(action.resource, line);
    const { issuer, subject } = action.principal;
    if (!line.waiting.add(JSON.stringify([issuer, subject]), request)) {
      const failure = `It was not looked into: ${mostWaiting} requests of ${subject} wait for that already.`;
      void this.#attach(request, { kind: kindOf(request), timeMs: this.#parts.now(), failure, notes: [] });
      return;
    }
    line.serving ??= this.#serve(line);
  }

  /** Lets go of everything; what was not found out is found out after the next start. */
  async close(): Promise<void> {
    this.#stop.abort();
    await Promise.all([...this.#lines.values()].map(({ serving }) => serving));
  }

  async #serve(line: Line): Promise<void> {
    // Whoever holds the request does not wait for any of this.
    await sleep(0);
    for (let request = line.waiting.take(); request !== undefined; request = line.waiting.take()) {
      if (this.#stop.signal.aborted) return;
      const startedMs = performance.now();
      await this.#gather(request);
      const restMs = restFactor * (performance.now() - startedMs);
      await sleep(restMs, undefined, { signal: this.#stop.signal, ref: false }).catch(() => {});
    }
    // In the same turn in which the line was empty: what comes next begins anew.
    delete line.serving;
  }

  async #gather(request: RequestSnapshot): Promise<void> {
    const { evidence, now } = this.#parts;
    const { requestId } = request.binding;
    const kind = this.#isLookedInto(request) ? kindOf(request) : "locks";
    using waits = this.#whileItWaits(request);
    try {
      if (waits.signal.aborted || !(await evidence.begin(requestId, kind))) return;
      const signal = AbortSignal.any([waits.signal, AbortSignal.timeout(longestMs)]);
      // First, while its client is there: whoever approves decides how long others wait.
      const held = await this.#locksOf(request)?.(signal);
      const found = withLocks(kind === "locks" ? { kind, notes: [] } : await this.#ask(request, kind, signal), held);
      if (!waits.signal.aborted) await this.#attach(request, { ...found, timeMs: now() });
    } catch {
      // The control plane cannot write it down: then nothing is tried, and the page says that it is still being found out.
    }
  }

  async #ask(request: RequestSnapshot, kind: EvidenceWish["kind"], signal: AbortSignal): Promise<Found> {
    try {
      // Found out anew, from the operation: by what a stored row says nothing is tried.
      const { call, facts, decision, resource } = await this.#parts.asking.ask(callOf(request));
      if (decision.effect === "deny" || resource.evidence === undefined) throw changed();
      // A row of yesterday's rule must not try out what today's only plans.
      const asked = decision.effect === "review" && decision.approval.evidence === "effect" ? kind : "plan";
      const hide = hidingWith(request.hidingSalt);
      return await resource.evidence.gather({ kind: asked, operation: call.operation, facts, role: decision.role, hide }, signal);
    } catch (error) {
      const why = error instanceof CountersignError ? error.message : "an internal error stopped it.";
      return { kind, failure: `It could not be found out: ${why}`, notes: [] };
    }
  }

  async #attach(request: RequestSnapshot, evidence: Evidence): Promise<void> {
    await this.#parts.persistence.attempt(() => this.#parts.evidence.attach(request.binding.requestId, evidence));
  }

  /** Whether a rule asks what it would do, and the resource can tell. */
  #isLookedInto({ action, decision }: RequestSnapshot): boolean {
    if (decision.effect !== "review" || decision.approval.evidence === "none") return false;
    return this.#sourceOf(action.resource) !== undefined;
  }

  /** The way to ask what the open transaction of its client holds, where approvers are to be told. */
  #locksOf({ action }: RequestSnapshot): OwnConnection["locks"] {
    if (connectionOf(action.operation)?.inTransaction !== true) return undefined;
    try {
      return this.#parts.connections.of(action.operation, action.principal)?.own.locks;
    } catch {
      // The client has gone: its transaction was rolled back.
      return undefined;
    }
  }

  #sourceOf(resource: string): EvidenceSource | undefined {
    return this.#parts.resources.list().find(({ name }) => name === resource)?.evidence;
  }

  /** A signal that ends with the wait: it is decided, revoked, expired, or the sidecar stops. */
  #whileItWaits(request: RequestSnapshot): Disposable & { readonly signal: AbortSignal } {
    const { requests, revocations } = this.#parts;
    const ended = new AbortController();
    const { requestId: id } = request.binding;
    const { principal: owner, resource } = request.action;
    const end = () => ended.abort();
    const following = revocations.onRevoked((revocation) => isAbout(revocation, { id, owner, resource }) && end());
    this.#stop.signal.addEventListener("abort", end, { once: true });
    void (async () => {
      for await (const { type } of requests.watch(id, 0, ended.signal)) {
        if (type === "approved" || type === "executing" || type === "ended") end();
      }
    })().catch(end);
    return {
      signal: ended.signal,
      [Symbol.dispose]: () => {
        following[Symbol.dispose]();
        this.#stop.signal.removeEventListener("abort", end);
        end();
      },
    };
  }
}

type Found = Omit<Evidence, "timeMs">;

function withLocks(found: Found, held: HeldLocks | undefined): Found {
  if (held === undefined) return found;
  const failure = [held.failure, found.failure].filter((one) => one !== undefined).join(" ");
  return { ...found, locks: held.locks, ...(failure !== "" && { failure }) };
}

function kindOf({ decision }: RequestSnapshot): EvidenceWish["kind"] {
  return decision.effect === "review" && decision.approval.evidence === "effect" ? "effect" : "plan";
}

function changed(): CountersignError {
  return new CountersignError("revoked", "policy has changed since it was asked for.");
}
