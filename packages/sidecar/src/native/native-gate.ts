import {
  type Allow,
  CountersignError,
  type Decision,
  type ErrorCode,
  isReadOnly,
  type LineOperation,
  newRequestId,
  type PostgresQuery,
  type RequestSnapshot,
  type Review,
} from "@countersign/policy";
import type { Asked, Asking } from "../asking.ts";
import type { Call } from "../call.ts";
import type { CallerLimits } from "../caller-limits.ts";
import type { Viewer } from "../event-writer.ts";
import type { Immediate } from "../immediate.ts";
import type { Refusals } from "../refusals.ts";
import type { NativeCaller } from "./own-connection.ts";
import type { OpenPassages, Passages } from "./passage.ts";
import type { Held, Pass, Refused, Verdict } from "./verdict.ts";
import { type Ended, type WaitingClient, WaitingViewer } from "./waiting-client.ts";

/** What a gate has of the guard. */
export interface NativeGateParts {
  readonly asking: Asking;
  readonly immediate: Immediate;
  readonly refusals: Refusals;
  readonly callers: CallerLimits;
  readonly passages: OpenPassages;
  /** Whether the connection hides the values of masked columns. */
  readonly masks: boolean;
  readonly now: () => number;
  readonly random: (size: number) => Buffer;
  /** Opens a request and follows it. */
  readonly hold: (asked: Asked, decision: Review) => Promise<RequestSnapshot>;
  readonly view: (request: RequestSnapshot, viewer: Viewer) => Promise<void>;
}

/**
 * The guard as one connection of an unmodified client has it: operation → facts → decide, for each operation of its own. What is allowed
 * is noted in the journal and sent by the connection itself; what is reviewed is held, claimed, recorded and dispatched as every other call.
 */
export class NativeGate implements Disposable {
  readonly #parts: NativeGateParts;
  readonly #caller: NativeCaller;
  readonly #passages: Passages;
  readonly #entered: Disposable;

  /** @param entered is disposed of when the connection has ended. */
  constructor(parts: NativeGateParts, caller: NativeCaller, entered: Disposable) {
    this.#parts = parts;
    this.#caller = caller;
    this.#passages = parts.passages(caller);
    this.#entered = entered;
  }

  /**
   * What becomes of an operation: at once where it is allowed and its text is read promptly. It is asked for in the turn in which it would be
   * sent. Never throws for what a client may ask.
   */
  judge(operation: LineOperation): Verdict | Promise<Verdict> {
    const call = this.#callOf(operation);
    const flood = this.#caller.counted ? this.#parts.callers.refusal(call.principal) : undefined;
    if (flood !== undefined) return this.#flooded(call, flood);
    try {
      const asked = this.#parts.asking.askNow(call);
      return asked instanceof Promise ? this.#later(call, asked) : this.#verdict(asked);
    } catch (error) {
      return this.#refused(call, error);
    }
  }

  /**
   * Whether a statement may be sent before its values are known: it can be read, and it is not denied. Undefined = it may, and is judged with them.
   * What EXECUTE and FETCH run may be another thing by then: that is judged only then.
   *
   * @throws {CountersignError} as `classify`.
   */
  read(operation: PostgresQuery): undefined | Promise<Refused | undefined> {
    const asked = this.#parts.asking.askUnbound(this.#callOf(operation));
    if (asked instanceof Promise) return asked.then((one) => this.#deniedAhead(one));
    return this.#deniedAhead(asked);
  }

  /** Whether what was allowed may still be sent, when it had to wait for the journal. */
  stillPasses({ decision }: Pass): boolean {
    return this.#parts.asking.isCurrent(decision, this.#caller);
  }

  /**
   * Holds an operation, or takes a use of a grant, and runs it on the client's own connection once it may. Never throws.
   *
   * @param signal is aborted when the client goes away or cancels.
   */
  async hold(held: Held, client: WaitingClient, signal: AbortSignal): Promise<Ended> {
    const viewer = new WaitingViewer(client, signal);
    try {
      await this.follow(held, viewer);
      return viewer.ended ?? left;
    } catch (error) {
      const { requestId, code, message, retryable } = await this.#refused(held.asked.call, error);
      return { requestId, state: "failed", failure: { code, message, retryable } };
    }
  }

  /**
   * As {@link hold}, for whoever hears all that happens, the result too.
   *
   * @throws {CountersignError} what a call would be refused with.
   */
  async follow({ asked, decision }: Held, viewer: Viewer): Promise<void> {
    const { immediate, hold, view } = this.#parts;
    if (!(await immediate.granted(asked, decision, viewer))) await view(await hold(asked, decision), viewer);
  }

  /** What policy would decide about an operation; advice, nothing is recorded. */
  async ask(operation: LineOperation): Promise<Decision> {
    return (await this.#parts.asking.ask(this.#callOf(operation))).decision;
  }

  /**
   * Decides about an operation and runs it on the client's own connection, once it may, with records of its own for intent and outcome: for
   * operations that are worth more than a passage. Never throws.
   *
   * @param signal is aborted when the client goes away or cancels.
   * @param refuses why it cannot be run as policy wants it, if it cannot.
   */
  async run(
    operation: LineOperation,
    client: WaitingClient,
    signal: AbortSignal,
    refuses?: (decision: Decision) => CountersignError | undefined,
  ): Promise<Ended> {
    const call = this.#callOf(operation);
    const flood = this.#parts.callers.refusal(call.principal);
    if (flood !== undefined) return endedBy(await this.#flooded(call, flood));
    let asked: Asked;
    try {
      asked = await this.#parts.asking.ask(call);
    } catch (error) {
      return endedBy(await this.#refused(call, error));
    }
    const { decision } = asked;
    const why = refuses?.(decision);
    if (why !== undefined) return endedBy(await this.#refused(call, why));
    if (decision.effect === "review") return this.hold({ effect: "hold", asked, decision }, client, signal);
    if (decision.effect === "allow") return this.#runNow(asked, decision, client, signal);
    const requestId = await this.#parts.refusals.record(call, "denied", decision.message, decision);
    return { requestId, state: "denied", failure: { code: "denied", message: decision.message, retryable: false } };
  }

  /** Refuses what no policy can allow, or what cannot be run as policy wants it, and records it. */
  async refuse(operation: LineOperation, why: string | CountersignError): Promise<Ended> {
    const call = this.#callOf(operation);
    const flood = this.#parts.callers.refusal(call.principal);
    if (flood !== undefined) return endedBy(await this.#flooded(call, flood));
    return endedBy(await this.#refused(call, typeof why === "string" ? new CountersignError("invalid_operation", why) : why));
  }

  /** The client has gone. */
  [Symbol.dispose](): void {
    this.#entered[Symbol.dispose]();
    // What cannot be recorded now is in the journal.
    void this.#passages.close().catch(() => {});
  }

  async #runNow(asked: Asked, decision: Allow, client: WaitingClient, signal: AbortSignal): Promise<Ended> {
    const viewer = new WaitingViewer(client, signal);
    try {
      await this.#parts.immediate.allowed(asked, decision, viewer);
      return viewer.ended ?? left;
    } catch (error) {
      return endedBy(await this.#refused(asked.call, error));
    }
  }

  #callOf(operation: LineOperation): Call {
    const { principal, resource, reason, session } = this.#caller;
    return { principal, resource, operation, reason, session, durable: false };
  }

  async #later(call: Call, asking: Promise<Asked>): Promise<Verdict> {
    try {
      return await this.#verdict(await asking);
    } catch (error) {
      return this.#refused(call, error);
    }
  }

  #verdict(asked: Asked): Verdict | Promise<Verdict> {
    const { decision } = asked;
    if (decision.effect !== "deny" && decision.limits.masks !== undefined && !this.#parts.masks) throw unmasked;
    if (decision.effect === "allow") return this.#pass(asked, decision);
    if (decision.effect === "review") return this.#counted(asked, decision);
    return this.#denied(asked);
  }

  #pass({ call, facts }: Asked, decision: Allow): Pass {
    const { operation } = call;
    if (operation.kind === "plan") throw new TypeError("a connection asks for no plan");
    const readOnly = isReadOnly(facts);
    return { effect: "pass", decision, facts, readOnly, passage: this.#passages.begin({ operation, decision, readOnly }) };
  }

  #counted(asked: Asked, decision: Review): Held | Promise<Refused> {
    const flood = this.#late();
    return flood === undefined ? { effect: "hold", asked, decision } : this.#flooded(asked.call, flood);
  }

  /** Counts what was not counted before it was looked at. */
  #late(): string | undefined {
    return this.#caller.counted ? undefined : this.#parts.callers.refusal(this.#caller.principal);
  }

  #deniedAhead(asked: Asked): undefined | Promise<Refused> {
    const { decision, facts } = asked;
    if (decision.effect !== "deny") return undefined;
    const isLate = facts.protocol === "postgres" && facts.sql.kinds.some((kind) => lateKinds.has(kind));
    return isLate ? undefined : this.#denied(asked);
  }

  async #denied({ call, decision }: Asked): Promise<Refused> {
    const flood = this.#late();
    if (flood !== undefined) return this.#flooded(call, flood);
    const message = decision.message ?? "Denied.";
    const requestId = await this.#parts.refusals.record(call, "denied", message, decision);
    return { effect: "refuse", code: "denied", message, rules: decision.rules, requestId, retryable: false };
  }

  async #flooded(call: Call, message: string): Promise<Refused> {
    const { callers, refusals, now, random } = this.#parts;
    const refused = callers.refused(call.principal);
    if (refused > 0) await refusals.recordFlood(call, refused);
    const requestId = newRequestId(now(), random(16));
    return { effect: "refuse", code: "too_many_requests", message, rules: [], requestId, retryable: true };
  }

  async #refused(call: Call, error: unknown): Promise<Refused> {
    const { code, message, retryable } = refusalOf(error);
    const requestId = await this.#parts.refusals.record(call, code, message);
    return { effect: "refuse", code, message, rules: [], requestId, retryable };
  }
}

function endedBy({ requestId, code, message, retryable }: Refused): Ended {
  return { requestId, state: code === "denied" ? "denied" : "failed", failure: { code, message, retryable } };
}

const unmasked = new CountersignError(
  "denied",
  "The policy hides columns of what this is about, which this way in cannot do. Ask for it by the SDK.",
);

/** Kinds of statements that run what has a name, see `PostgresQuery.runs`. */
const lateKinds: ReadonlySet<string> = new Set(["EXECUTE", "FETCH", "MOVE"]);

const left: Ended = {
  requestId: "",
  state: "cancelled",
  failure: { code: "cancelled", message: "The client left before it was decided; nothing ran.", retryable: false },
};

function refusalOf(error: unknown): { readonly code: ErrorCode; readonly message: string; readonly retryable: boolean } {
  if (error instanceof CountersignError) return error;
  if (error instanceof Error && error.name === "AuditError") {
    const message = "The audit log cannot be written, so nothing was run. Free disk space or repair the log, then try again.";
    return { code: "audit_unavailable", message, retryable: true };
  }
  return { code: "internal", message: "An internal error stopped it; nothing was run.", retryable: false };
}
