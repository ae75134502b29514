import { randomUUID } from "node:crypto";
import { type GetPlanResponse, PlannedAction, type PlanStatus, RequestState, type SubmitPlanResponse } from "@countersign/rpc";
import type { GuardedAction } from "./action.ts";
import { CountersignError, errorFromInfo } from "./errors.ts";
import type { RequestEvent } from "./event.ts";
import { toPlanned } from "./operation.ts";
import { type Outcome, type OutcomeState, outcomeError, outcomeState, type RequestStatus, statusFromWire } from "./outcome.ts";
import type { CallSettings } from "./postgres.ts";
import { type HeldOperation, operationFromWire } from "./replacement.ts";
import { RequestHandle } from "./request.ts";
import { deliver, type SubmitOptions } from "./submit.ts";
import { awaitOutcome, type Waiting } from "./waiting.ts";

/** How one line of a plan stands. */
export interface LineStatus {
  /** From 0. */
  readonly index: number;
  readonly resource: string;
  /** Absent for a kind that only a newer sidecar knows. */
  readonly operation?: HeldOperation;
  /** An approver struck it out: it does not run. */
  readonly struck: boolean;
  /** `cancelled`: struck out, or not reached when the plan ended. */
  readonly state: RequestStatus;
  /** How it ended; its rows are with whoever ran it. */
  readonly ended?: { readonly state: OutcomeState; readonly rowsAffected: number; readonly error?: CountersignError };
}

/** The outcome of one line. */
export interface LineOutcome<Row = Record<string, unknown>> extends Outcome<Row> {
  /** From 0. */
  readonly index: number;
}

/** Asks for a plan. Without a key of the caller's it gets one, so that a broken connection never opens a second. */
export async function submitPlan(
  actions: readonly GuardedAction[],
  { reason, idempotencyKey = randomUUID(), signal }: SubmitOptions,
  settings: CallSettings,
): Promise<Plan> {
  const { connection, session, defaults } = settings;
  const words = (reason ?? defaults.reason ?? "").toWellFormed();
  const request = { lines: actions.map(toPlanned), reason: words, idempotencyKey, session };
  const { plan, decision } = await deliver(() =>
    connection.unary<SubmitPlanResponse>((client, metadata, done) => client.submitPlan(request, metadata, done), { signal }),
  );
  connection.decidedBy(decision?.policyDigest ?? "");
  return new Plan(plan ?? refused(request.lines, decision?.message || "Policy denied it."), settings);
}

/** Attaches to a plan that was asked for before, perhaps by a process that is gone. */
export async function attachPlan(id: string, settings: CallSettings, signal?: AbortSignal): Promise<Plan> {
  return new Plan(await look(id, settings, signal), settings);
}

/** A list of exact actions that is approved as one, and run line by line. */
export class Plan {
  readonly #settings: CallSettings;
  #status: PlanStatus;

  constructor(status: PlanStatus, settings: CallSettings) {
    this.#status = status;
    this.#settings = settings;
  }

  /** `req_…`; `cs.plan(id)` attaches again after a crash. Empty when policy denied it. Another plan's once that took its place. */
  get id(): string {
    return this.#status.requestId;
  }

  /** Digest of the whole plan, `sha256:<hex>`; empty when policy denied it. */
  get digest(): string {
    return this.#status.actionDigest;
  }

  /** Where an approver sees it; empty when no approval is needed. */
  get approvalUrl(): string {
    return this.#status.approvalUrl;
  }

  /** Where it stood when this handle last looked; {@link refresh} looks again. */
  get state(): RequestStatus {
    return statusFromWire(this.#status.state);
  }

  /** Its lines in order, as they stood when this handle last looked. */
  get lines(): readonly LineStatus[] {
    return this.#status.lines.map(({ action, struck, state, outcome }, index) => {
      const operation = operationFromWire(action?.operation);
      const error = outcome && outcomeError(outcome, this.id);
      return {
        ...{ index, resource: action?.resource ?? "", struck, state: statusFromWire(state) },
        ...(operation && { operation }),
        ...(outcome && { ended: { state: outcomeState(outcome), rowsAffected: outcome.rowsAffected, ...(error && { error }) } }),
      };
    });
  }

  /** Looks how it stands now. */
  async refresh(signal?: AbortSignal): Promise<this> {
    if (this.id !== "") this.#status = await look(this.id, this.#settings, signal);
    return this;
  }

  /** All that happened to it as a whole and will happen, from the beginning; ends after `done`. Throws as `RequestHandle.events`. */
  events(waiting: Waiting = {}): AsyncIterableIterator<RequestEvent, undefined> & AsyncDisposable {
    return this.#request().events(waiting);
  }

  /**
   * Waits until its lines may run. Whoever stops waiting leaves the plan as it is.
   *
   * @throws {CountersignError} `denied`, `expired`, `cancelled`, `revoked` when it never will; `timeout`, `aborted`, `sidecar_unreachable`.
   */
  async approved(waiting: Waiting = {}): Promise<this> {
    for await (const event of this.events(waiting)) {
      if (event.type !== "approved" && event.type !== "executing" && event.type !== "done") continue;
      // An event tells what was; another plan may have taken the place of one that was approved.
      await this.refresh(waiting.signal);
      if (this.state === "approved" || this.state === "executing" || this.state === "succeeded") return this;
      if (this.state !== "pending") throw this.#error();
    }
    throw this.#error();
  }

  /**
   * Runs the next line, by its number from 0 or as the action that it is, and gives its outcome. It is sent once: when the connection breaks,
   * {@link refresh} tells what became of it.
   *
   * @throws {CountersignError} why it was not begun: `digest_mismatch` for anything but an approved line (it may be asked for as a request of
   * its own), `out_of_order`, `not_pending` when it was begun before, `denied` when it is struck out, `expired`, `revoked`.
   */
  async run<Row = Record<string, unknown>>(line: number | GuardedAction, waiting: Waiting = {}): Promise<LineOutcome<Row>> {
    if (this.id === "") throw this.#error();
    // Which lines are left is asked, not remembered: somebody may have struck the one that is meant.
    if (typeof line !== "number") await this.refresh(waiting.signal);
    const { index, action } = this.#line(line);
    const { connection, types } = this.#settings;
    const opening = { type: "line", request: { requestId: this.id, index, action } } as const;
    const outcome = await awaitOutcome<Row>(connection, opening, { mode: "object", types }, waiting);
    await this.refresh().catch(() => {});
    return { ...outcome, index };
  }

  /** Waits for approval, then runs every line that is left, in order, and gives each outcome. Ends with one that did not succeed. */
  async *runAll(waiting: Waiting = {}): AsyncGenerator<LineOutcome, void> {
    await this.approved(waiting);
    for (const { index, struck, state } of this.lines) {
      if (struck || state === "succeeded") continue;
      const outcome = await this.run(index, waiting);
      yield outcome;
      if (outcome.state !== "succeeded") return;
    }
  }

  /** Cancels what is left of it, and asks the line that runs to stop. Gives the state after that. */
  cancel(): Promise<RequestStatus> {
    return this.#request().cancel();
  }

  /** A line by its number; an action is taken for the first line that is left and is the same, or else for the next one. */
  #line(line: number | GuardedAction): { readonly index: number; readonly action: PlannedAction | undefined } {
    if (typeof line === "number") return { index: line, action: this.#status.lines[line]?.action };
    const action = toPlanned(line);
    const left = this.lines.filter(({ struck, state }) => !struck && state === "approved");
    const same = left.find(({ index }) => isSame(this.#status.lines[index]?.action, action));
    return { index: (same ?? left[0])?.index ?? 0, action };
  }

  #request(): RequestHandle {
    const { connection, types } = this.#settings;
    const { id, digest, approvalUrl, state: status } = this;
    const refusal = id === "" ? { refusal: this.#error().message } : {};
    return new RequestHandle({ id, digest, approvalUrl, status, ...refusal }, connection, types);
  }

  #error(): CountersignError {
    const { error } = this.#status;
    if (error !== undefined) return errorFromInfo(error, this.id);
    return new CountersignError("not_pending", `The plan is ${this.state}.`, { requestId: this.id });
  }
}

async function look(requestId: string, { connection }: CallSettings, signal: AbortSignal | undefined): Promise<PlanStatus> {
  const { plan } = await connection.unary<GetPlanResponse>(
    (client, metadata, done) => client.getPlan({ requestId }, metadata, done),
    {
      signal,
    },
  );
  if (plan === undefined) throw new CountersignError("internal", "The sidecar's answer holds no plan.", { requestId });
  return plan;
}

/** How a plan stands that policy denied: there is no request. */
function refused(lines: readonly PlannedAction[], message: string): PlanStatus {
  const line = { struck: false, state: RequestState.DENIED, outcome: undefined };
  return {
    ...{ requestId: "", actionDigest: "", state: RequestState.DENIED, approvalUrl: "" },
    lines: lines.map((action) => ({ ...line, action })),
    error: { code: "denied", message, requestId: "", retryable: false, targetCode: "" },
  };
}

function isSame(a: PlannedAction | undefined, b: PlannedAction): boolean {
  return a !== undefined && Buffer.compare(bytes(a), bytes(b)) === 0;
}

function bytes(action: PlannedAction): Uint8Array {
  return PlannedAction.encode(action).finish();
}
