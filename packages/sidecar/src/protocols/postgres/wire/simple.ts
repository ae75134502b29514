import { bodyBytes, bodyOf, type PostgresQuery, type SqlStep } from "@countersign/policy";
import type { Held } from "../../../native/verdict.ts";
import type { Refusal } from "../refuse.ts";
import { admit, refusalOf, runningOf } from "./admission.ts";
import { readQuery } from "./client-message.ts";
import type { Conversation } from "./conversation.ts";
import { expected } from "./expected.ts";
import type { Gatekeeper } from "./gatekeeper.ts";
import { request } from "./request-message.ts";
import type { Running } from "./running.ts";
import { ownErrorOf, queryErrorOf } from "./syntax.ts";
import { isBlank, isPlain } from "./text.ts";

const noValues = { parameters: [] } as const;
const emptyQuery = request.query("");

/** The simple protocol (§53.2.2): one text, one decision, whatever it holds. */
export class SimpleProtocol {
  readonly #conversation: Conversation;
  readonly #gate: Gatekeeper;

  constructor(conversation: Conversation, gate: Gatekeeper) {
    this.#conversation = conversation;
    this.#gate = gate;
  }

  /** A Query. */
  query(frame: Buffer) {
    const conversation = this.#conversation;
    const { names, pipeline } = conversation;
    const text = readQuery(frame);
    if (isBlank(text)) return this.#empty();
    if (conversation.replies.due > 0 && !isPlain(text)) return this.#later(frame);
    const steps = names.stepsOf(text);
    if (!names.isCertain(steps, pipeline)) return this.#later(frame);
    this.#ask(frame, text, steps, names.runsOf(steps));
  }

  /** When everything before it is answered. */
  #later(frame: Buffer): void {
    this.#conversation.wait(this.#conversation.answeredAll(), { done: () => this.query(frame) });
  }

  readonly #refuse = (refusal: Refusal): void => {
    const { complaint, likeServer } = ownErrorOf(refusal);
    this.#conversation.refuseQuery(complaint, likeServer);
  };

  #ask(frame: Buffer, text: string, steps: readonly SqlStep[] | undefined, runs: readonly string[] | undefined): void {
    const conversation = this.#conversation;
    const operation = conversation.operation(text, runs === undefined ? noValues : { ...noValues, runs });
    admit(conversation, operation, {
      pass: (verdict) =>
        this.#send(
          frame,
          text,
          steps,
          runningOf(conversation, verdict, { steps, rowsBefore: this.#rowsBefore(steps), isStep: false }),
        ),
      hold: (verdict) => this.#held(verdict, operation, frame, steps),
      refuse: (refusal) => this.#refuseText(refusal, text),
    });
  }

  /** What PostgreSQL says of values that do not fit depends on how the transaction stands: that is known when all before it is answered. */
  #refuseText(refusal: Refusal, text: string) {
    const conversation = this.#conversation;
    const refuse = () => {
      // A COMMIT or ROLLBACK in the same pipeline has ended the transaction that failed.
      const hasFailed = conversation.status === "E" && !conversation.controlled;
      const { complaint, likeServer } = queryErrorOf(refusal, text, hasFailed);
      conversation.refuseQuery(complaint, likeServer);
    };
    if (refusal.code !== "invalid_parameter" || conversation.replies.due === 0) return refuse();
    conversation.wait(conversation.answeredAll(), { done: refuse });
  }

  /** A limit of rows is about a cursor, not about one FETCH of it. */
  #rowsBefore(steps: readonly SqlStep[] | undefined): number {
    const fetch = steps?.find((step) => step.does === "fetch");
    return fetch?.does === "fetch" ? (this.#conversation.names.portals.get(fetch.name)?.rows ?? 0) : 0;
  }

  #send(frame: Buffer, text: string, steps: readonly SqlStep[] | undefined, running: Running, input?: Buffer) {
    const conversation = this.#conversation;
    conversation.names.sent(steps);
    conversation.pipelineEnds();
    conversation.send(frame, expected("query", { running, steps, source: text, ...(input && { input }) }), true);
    // What the client sends after the data that was captured is not of it.
    if (input !== undefined) conversation.wait(conversation.answeredAll(), { done: () => {} });
  }

  #empty() {
    const conversation = this.#conversation;
    const go = () => {
      conversation.pipelineEnds();
      conversation.send(emptyQuery, expected("query"));
    };
    if (conversation.outgoing.lent) return go();
    conversation.wait(conversation.lend(), {
      done: go,
      failed: (error) => conversation.refuseQuery(ownErrorOf(refusalOf(conversation, error)).complaint),
    });
  }

  #held(verdict: Held, operation: PostgresQuery, frame: Buffer, steps: readonly SqlStep[] | undefined) {
    const conversation = this.#conversation;
    const copy = steps?.find((step) => step.does === "copy-in");
    const refuse = this.#refuse;
    if (copy?.does === "copy-in" && operation.input === undefined && verdict.decision.approval.input !== "unseen") {
      if (steps?.length !== 1) return refuse(copyAlone);
      const { binary, columns } = copy;
      return this.#gate.capture({
        binary,
        columns,
        captured: (data) => this.#captured(operation, data, frame, steps),
        failed: (sqlstate, message) => conversation.refuseQuery({ severity: "ERROR", sqlstate, message }, true),
      });
    }
    this.#gate.hold(verdict, {
      operation,
      run: (approved, running) => {
        const isSame = approved.statement === operation.statement;
        const message = isSame ? frame : request.query(approved.statement);
        const own = isSame ? steps : conversation.names.stepsOf(approved.statement);
        this.#send(message, approved.statement, own, running);
      },
      refuse,
    });
  }

  /** The data is part of what is decided, and of what approvers see. */
  #captured(before: PostgresQuery, data: Buffer, frame: Buffer, steps: readonly SqlStep[]): void {
    const conversation = this.#conversation;
    const operation: PostgresQuery = { ...before, input: bodyOf(data) };
    const refuse = this.#refuse;
    admit(conversation, operation, {
      pass: (verdict) =>
        this.#send(frame, operation.statement, steps, runningOf(conversation, verdict, { steps, isStep: false }), data),
      refuse,
      hold: (verdict) =>
        this.#gate.hold(verdict, {
          operation,
          refuse,
          run: (approved, running) => {
            const isSame = approved.statement === operation.statement;
            const input = approved.input === undefined ? Buffer.alloc(0) : bodyBytes(approved.input);
            const message = isSame ? frame : request.query(approved.statement);
            this.#send(message, approved.statement, steps, running, input);
          },
        }),
    });
  }
}

const copyAlone = {
  code: "invalid_operation",
  message: "a COPY … FROM STDIN that needs an approval has to be sent alone.",
  retryable: false,
} as const;
