import { setImmediate as nextTurn } from "node:timers/promises";
import { type LockTarget, type RequestState, resourcesOf } from "@countersign/policy";
import type { Clock } from "./clock.ts";
import { type Ending, endRevoked } from "./ending.ts";
import type { Grants } from "./grants.ts";
import type { Ledger } from "./ledger.ts";
import type { Lock, Locks } from "./locks.ts";
import type { OverviewQuery, Position, RequestOverview } from "./stores/request-store.ts";

/** How many requests are looked at, and how many are ended, before others have their turn. Those that are ended together share commits. */
const page = 200;
const together = 32;
/** The wait after a failure, milliseconds. */
const retryMs = 1_000;

/** What is needed to end what depends on locks. */
export interface DependentsParts {
  readonly ledger: Ledger;
  readonly locks: Locks;
  readonly grants: Pick<Grants, "permits">;
  readonly clock: Clock;
}

/**
 * Ends the requests that wait by what is locked, in slices, beside everything else. None of them can be claimed or dispatched from the moment
 * in which the lock is in force, and the lock is not lifted before all of them have ended: what a crash leaves over ends with the next start.
 */
export class Dependents implements AsyncDisposable {
  readonly #parts: DependentsParts;
  readonly #sweeps = new Map<string, Promise<void>>();
  #closed = false;

  constructor(parts: DependentsParts) {
    this.#parts = parts;
  }

  /** Goes on where the process before this one was ended. */
  resume(): void {
    for (const lock of this.#parts.locks.list()) this.#begin(lock);
  }

  /**
   * Tells what runs to stop; then the ending of what waits goes on by itself. What was being opened or claimed when the lock came into force
   * has been by then, so that it is among them; nothing is opened or claimed after it.
   *
   * @throws {CountersignError} `control_plane_unavailable`.
   */
  async stop(lock: Lock): Promise<void> {
    await this.#parts.ledger.underWay();
    await this.#endThose(lock, ["executing"]);
    this.#begin(lock);
  }

  /**
   * Resolves once everything that waited by a lock has ended.
   *
   * @throws {CountersignError} why it cannot be ended now, e.g. `control_plane_unavailable`.
   */
  end(lock: Lock): Promise<void> {
    const running = this.#sweeps.get(lock.id);
    if (running !== undefined) return running;
    const sweep = this.#endThose(lock, waitingBy(lock.target)).finally(() => this.#sweeps.delete(lock.id));
    this.#sweeps.set(lock.id, sweep);
    return sweep;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    await Promise.allSettled(this.#sweeps.values());
  }

  /** Nobody waits for it: what fails is tried again. */
  #begin(lock: Lock): void {
    this.end(lock).catch(() => {
      this.#parts.clock.after(retryMs, () => {
        if (!this.#closed && this.#parts.locks.list().some(({ id }) => id === lock.id)) this.#begin(lock);
      });
    });
  }

  async #endThose(lock: Lock, states: readonly RequestState[]): Promise<void> {
    let after: Position | undefined;
    while (!this.#closed) {
      const query: OverviewQuery = { states, ...(after && { after }) };
      const some = await this.#parts.ledger.store.list(query, page);
      await this.#endSome(some, lock);
      const last = some.at(-1);
      if (last === undefined || some.length < page) return;
      after = { createdMs: last.createdMs, id: last.binding.requestId };
      await nextTurn();
    }
  }

  async #endSome(some: readonly RequestOverview[], lock: Lock): Promise<void> {
    const ids: string[] = [];
    for (const one of some) if (await this.#dependsOn(one, lock.target)) ids.push(one.binding.requestId);
    for (let from = 0; from < ids.length && !this.#closed; from += together) {
      if (from > 0) await nextTurn();
      await Promise.all(ids.slice(from, from + together).map((id) => this.#endOne(id, lock)));
    }
  }

  #endOne(id: string, lock: Lock): Promise<void> {
    return this.#parts.ledger.withRequest(id, async (request) => {
      if (!unfinished.includes(request.state) || !(await this.#dependsOn(request, lock.target))) return;
      await endRevoked(request, endingOf(lock), this.#parts);
    });
  }

  async #dependsOn(request: RequestOverview, target: LockTarget): Promise<boolean> {
    switch (target.type) {
      case "resource":
        return resourcesOf(request.action).includes(target.resource);
      case "principal": {
        const { issuer, subject } = request.action.principal;
        return issuer === target.issuer && subject === target.subject;
      }
      // What others have approved without this person's vote stands; what is pending goes on waiting without it.
      case "approver":
        if (request.grant !== undefined) return !(await this.#parts.grants.permits(request.grant, request.binding.requestId));
        return request.state !== "pending" && this.#parts.ledger.progress(request, request.votes).verdict !== "approved";
    }
  }
}

const unfinished: readonly RequestState[] = ["pending", "approved", "executing"];

/** In which states something can wait by a lock. A vote that has ceased to count keeps nothing from waiting for others. */
function waitingBy({ type }: LockTarget): readonly RequestState[] {
  return type === "approver" ? ["approved"] : ["pending", "approved"];
}

function endingOf({ by, target, reason }: Lock): Ending {
  return { by, message: `Revoked by ${by}, who locked ${describe(target)}: ${reason}` };
}

function describe(target: LockTarget): string {
  switch (target.type) {
    case "resource":
      return `the resource ${target.resource}`;
    case "principal":
      return `the caller ${target.subject}`;
    case "approver":
      return `the approver ${target.subject}`;
  }
}
