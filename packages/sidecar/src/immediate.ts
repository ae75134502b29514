import {
  type Allow,
  actionDigest,
  CountersignError,
  type Grant,
  type GrantUse,
  isOpaque,
  isReadOnly,
  newRequestId,
  type Review,
} from "@countersign/policy";
import { type Asked, type Asking, actionOf } from "./asking.ts";
import { chunkBody } from "./chunk-forms.ts";
import { conclude } from "./conclusion.ts";
import { type DispatchParts, dispatch, type Permit } from "./dispatch.ts";
import type { DoubtParts } from "./doubt.ts";
import { EventWriter, type Viewer } from "./event-writer.ts";
import type { Grantable, Granting } from "./granting.ts";
import type { LiveCalls } from "./live-calls.ts";
import type { Persistence } from "./persist.ts";
import type { Refusals } from "./refusals.ts";
import { decidedEvent, grantedEvent, wireOutcome, wireReceipt } from "./wire.ts";

/** What running in the call itself takes. */
export interface ImmediateParts extends DispatchParts, DoubtParts {
  readonly persistence: Persistence;
  /** Unguessable bytes, each given out once. */
  readonly random: (size: number) => Buffer;
  readonly asking: Asking;
  readonly granting: Granting;
  readonly refusals: Refusals;
  readonly live: LiveCalls;
}

/** An action with the decision that lets it run in the call itself. */
interface Immediately {
  readonly asked: Asked;
  readonly decision: Allow | Review;
  /** The grant by which a review is not waited for. */
  readonly grant?: Grant;
}

/** Of so many grants a request may take its use. */
const mostOffered = 3;

/** Runs actions that wait for nobody in the call itself: no request is stored, the log holds their intent and their outcome. */
export class Immediate {
  readonly #parts: ImmediateParts;

  constructor(parts: ImmediateParts) {
    this.#parts = parts;
  }

  /** Runs an allowed action. */
  async allowed(asked: Asked, decision: Allow, viewer: Viewer): Promise<void> {
    await this.#run({ asked, decision }, viewer);
  }

  /** Runs a held action by the first grant that covers it and has a use left; false when there is none, and nothing was done. */
  async granted(asked: Asked, decision: Review, viewer: Viewer): Promise<boolean> {
    for await (const grant of this.#parts.granting.covering(grantableOf(asked, decision))) {
      if (await this.#run({ asked, decision, grant }, viewer)) return true;
    }
    return false;
  }

  /** The ids of grants that cover a held action now: a few, should the first be used up meanwhile. */
  async covering(asked: Asked, decision: Allow | Review): Promise<readonly string[]> {
    const ids: string[] = [];
    for await (const { id } of this.#parts.granting.covering(grantableOf(asked, decision))) {
      if (ids.push(id) === mostOffered) break;
    }
    return ids;
  }

  async #run({ asked, decision, grant }: Immediately, viewer: Viewer): Promise<boolean> {
    const { now, random, live, granting, refusals, asking, onStep } = this.#parts;
    const { call, resource, facts, way } = asked;
    const id = newRequestId(now(), random(16));
    const action = actionOf(call, resource, decision);
    const digest = actionDigest(action);
    const readOnly = isReadOnly(facts);
    const covered = () => grant === undefined || granting.covers(grant, grantableOf(asked, decision));
    // Entered before the use is taken: a revocation from then on reaches it.
    const by = grant && { grantId: grant.id, stands: covered };
    using held = live.enter(id, call.principal, resource.name, viewer.signal, readOnly, by);
    const use = grant && (await granting.take(grant, id, action, digest));
    if (grant !== undefined && use === undefined) return false;
    const { rules, policyDigest, limits } = decision;
    const permit = { id, action, actionDigest: digest, policyDigest, rules, limits, readOnly, source: sourceOf(asked, use) };
    const events = new EventWriter(viewer, id, now);
    let sequence = 0;
    await events.add(sequence, decidedEvent(decision, isOpaque(facts), digest));
    if (use !== undefined && decision.effect === "review")
      await events.add(++sequence, grantedEvent(use, now() + decision.approval.validForMs));
    await events.add(++sequence, { $case: "executing", value: {} });
    const ended = await dispatch(permit, way, this.#parts, (chunk) => events.add(++sequence, chunkBody(chunk)), {
      signal: held.signal,
      confirm: () => {
        asking.confirm(asked);
        if (!covered()) throw new CountersignError("revoked", "The grant by which it was to run has ended; nothing ran.");
      },
    });
    const { outcome, receipt } = ended;
    if (ended.dispatched) onStep("outcome", id);
    else await refusals.record(call, outcome.failure?.code ?? "internal", outcome.failure?.message ?? "", decision, id);
    await conclude(ended, this.#parts);
    const proven = { requestId: id, actionDigest: digest, effect: decision.effect, ...(use && { grant: use.grantId }) };
    await events.say(++sequence, { $case: "done", value: wireOutcome(outcome, id, receipt && wireReceipt(proven, receipt)) });
    return true;
  }
}

function sourceOf({ call }: Asked, use: GrantUse | undefined): Permit["source"] {
  return use === undefined ? { effect: "allow", asked: call } : { effect: "grant", use, asked: call };
}

function grantableOf({ call, resource, facts }: Asked, decision: Allow | Review): Grantable {
  const { owner } = call.principal;
  return { action: actionOf(call, resource, decision), facts, decision, ...(owner === undefined ? {} : { owner }) };
}
