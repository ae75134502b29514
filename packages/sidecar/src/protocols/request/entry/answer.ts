import type { ServerResponse } from "node:http";
import type { ErrorCode } from "@countersign/policy";
import { type Event, RequestState } from "@countersign/rpc";
import type { Viewer } from "../../../event-writer.ts";
import type { Field } from "../fields.ts";
import { type Refusal, type RefusalForm, refuse } from "./refusal.ts";
import { writePart } from "./writing.ts";

/** What happens when somebody has to agree first. */
type Waiting =
  /** The answer waits for them. */
  | { readonly type: "open" }
  /** The client is told where to ask. What is noted about that is noted before the client hears of it, as it may come back at once. */
  | {
      readonly type: "told";
      readonly statusUrl: (requestId: string) => string;
      readonly onTold?: (requestId: string) => void;
      readonly onEnded?: () => void;
    };

type Told = Extract<Waiting, { type: "told" }>;

/** How answers are given in the words of one API. */
export interface AnswerForm {
  readonly refusalForm: RefusalForm;
  /** What a client hears besides, with the answer to a request that was held. */
  readonly fieldsOfHeld?: (requestId: string) => readonly Field[];
}

/** A request that waits for people. */
interface Pending {
  readonly requestId: string;
  readonly approvalUrl: string;
  readonly expiresMs: number;
}

/** One client's answer, as what happens to its request makes it. */
export class Answer implements Viewer {
  readonly #response: ServerResponse;
  readonly #form: AnswerForm;
  readonly #waiting: Waiting;
  readonly #gone = new AbortController();
  #rules: readonly string[] = [];
  #pending: Pending | undefined;
  #wasHeld = false;
  #hasEnded = false;

  constructor(response: ServerResponse, form: AnswerForm, waiting: Waiting) {
    this.#response = response;
    this.#form = form;
    this.#waiting = waiting;
    response.once("close", () => this.#gone.abort("The client left."));
  }

  get signal(): AbortSignal {
    return this.#gone.signal;
  }

  async send(events: Event[]): Promise<void> {
    for (const event of events) await this.#hear(event);
    if (this.#pending !== undefined && this.#waiting.type === "told" && !this.#response.headersSent && !this.#hasEnded)
      this.#tellWhere(this.#pending, this.#waiting);
  }

  async #hear({ requestId, event }: Event): Promise<void> {
    switch (event?.$case) {
      case "decided":
        this.#rules = event.value.decision?.rules ?? [];
        return;
      case "pending":
        this.#wasHeld = true;
        this.#pending = { requestId, approvalUrl: event.value.approvalUrl, expiresMs: event.value.expiresMs };
        return;
      case "approved":
      case "executing":
        // It is answered in a moment.
        this.#pending = undefined;
        return;
      case "response": {
        const { status, headers } = event.value;
        this.#response.writeHead(status, [
          ...headers.flatMap(({ name, value }) => [name, value]),
          ...["countersign-request", requestId],
          ...((this.#wasHeld && this.#form.fieldsOfHeld?.(requestId)) || []).flat(),
        ]);
        this.#response.flushHeaders();
        return;
      }
      case "body":
        return await writePart(this.#response, event.value.data);
      case "done": {
        const { state, error } = event.value;
        this.#pending = undefined;
        this.#hasEnded = true;
        if (this.#waiting.type === "told") this.#waiting.onEnded?.();
        if (state === RequestState.SUCCEEDED && this.#response.headersSent) this.#response.end();
        // A request whose answer is not kept any more has succeeded all the same.
        else if (state === RequestState.SUCCEEDED)
          this.#refuse({
            code: "result_gone",
            message: "It was answered, but the answer is no longer kept. Do not send it again only to get it.",
            requestId,
          });
        else
          this.#refuse({
            code: codeOf(error?.code),
            message: error?.message || "It was not sent.",
            requestId,
            rules: this.#rules,
          });
      }
    }
  }

  #refuse(refusal: Refusal): void {
    refuse(this.#response, refusal, this.#form.refusalForm);
  }

  /** RFC 7240 §4.1, RFC 9110 §15.3.3. */
  #tellWhere({ requestId, approvalUrl, expiresMs }: Pending, { statusUrl, onTold }: Told): void {
    const url = statusUrl(requestId);
    onTold?.(requestId);
    this.#response.writeHead(202, {
      ...{ "content-type": "application/json", "cache-control": "no-store", location: url, "retry-after": "5" },
      ...{ "preference-applied": "respond-async", "countersign-request": requestId },
    });
    this.#response.end(
      JSON.stringify({ requestId, state: "pending", approvalUrl, expires: new Date(expiresMs).toISOString(), statusUrl: url }),
    );
    this.#gone.abort("The client comes back.");
  }
}

/** A newer sidecar's code is no reason to hide that something failed. */
function codeOf(code: string | undefined): ErrorCode {
  return code === undefined || code === "" ? "internal" : (code as ErrorCode);
}
