import { type Body, bodyBytes, CountersignError, type Json, type Limits, type Outcome } from "@countersign/policy";
import type { Pool } from "undici";
import type { Dispatch, ResultSink } from "../connector.ts";
import { Stop } from "../stop.ts";
import type { TargetCredential } from "./credential.ts";
import { decoded } from "./decoding.ts";
import { Exchange, type ResponseHead, type StreamedBody } from "./exchange.ts";
import {
  brokenOffFailure,
  limitFailure,
  lostFailure,
  stopFailures,
  unaskedEventsFailure,
  unknownFailure,
  unmaskableFailure,
  unsentFailure,
  withheldFailure,
} from "./failure.ts";
import { type Field, fieldsForClient, fieldsForTarget } from "./fields.ts";
import { maskedAnswer } from "./masks/masked-answer.ts";
import { Unmaskable } from "./masks/masked-json.ts";
import { ResponseBody } from "./response-body.ts";
import { Scrubber } from "./scrubber.ts";

/** What one dispatch needs of its connector. */
export interface RequestParts {
  readonly request: { readonly method: string; readonly path: string; readonly headers: readonly Field[]; readonly body?: Body };
  /** What its client sends as the body, meanwhile; a request with one has none of its own. */
  readonly streamed?: StreamedBody;
  readonly readOnly: boolean;
  readonly limits: Limits;
  readonly signal: AbortSignal;
  readonly pool: Pool;
  readonly credential: TargetCredential;
  /** Whether a field of the response may go on to the caller. */
  readonly passes: (name: string, value: string) => boolean;
  /** Whether it may be answered by a stream of events; absent = it may. */
  readonly takesEvents?: () => boolean;
  /** Monotonic milliseconds. */
  readonly now: () => number;
}

type Ending = Pick<Outcome, "state" | "failure" | "status">;

/** One request on its way. */
export class RequestDispatch implements Dispatch {
  readonly #parts: RequestParts;
  readonly #stop: Stop;
  readonly #startedMs: number;
  #injected: Awaited<ReturnType<TargetCredential["read"]>> | undefined;
  #bytes = 0;

  constructor(parts: RequestParts) {
    this.#parts = parts;
    this.#stop = new Stop(parts.signal, stopFailures);
    this.#startedMs = parts.now();
  }

  async prepare(): Promise<Json> {
    this.#injected = await this.#parts.credential.read();
    if (this.#parts.streamed !== undefined && this.#injected.sign !== undefined)
      throw new CountersignError(
        "operation_too_large",
        "The target takes signed requests, and what is streamed cannot be signed. Send less.",
      );
    return null;
  }

  async run(sink: ResultSink): Promise<Outcome> {
    const { limits } = this.#parts;
    if (limits.timeMs !== undefined) this.#stop.after(limits.timeMs, this.#elapsedMs());
    const ending = await this.#run(sink);
    return { ...ending, rows: 0, bytes: this.#bytes, durationMs: this.#elapsedMs() };
  }

  async close(): Promise<void> {
    this.#stop[Symbol.dispose]();
  }

  async #run(sink: ResultSink): Promise<Ending> {
    const { request, pool } = this.#parts;
    if (this.#injected === undefined) throw new TypeError("run() before prepare()");
    if (this.#stop.reason) return { state: "failed", failure: this.#stop.reason };
    const { fields, query, secrets, sign } = this.#injected;
    const whole = {
      ...{ method: request.method, body: request.body && bodyBytes(request.body) },
      path: query === undefined ? request.path : withParameter(request.path, query),
      fields: [...withOurs(fieldsForTarget(request.headers)), ...fields],
    };
    const signed = sign?.(whole) ?? { fields: [], secrets: [] };
    const body = this.#parts.streamed ?? whole.body;
    const exchange = new Exchange(pool, { ...whole, body, fields: [...whole.fields, ...signed.fields] });
    this.#stop.heardBy(() => exchange.breakOff());
    let head: ResponseHead;
    try {
      head = await exchange.head;
    } catch (error) {
      return this.#unanswered(error, exchange.isSent);
    }
    return await this.#answer(head, new Scrubber([...secrets, ...signed.secrets]), sink, exchange);
  }

  #unanswered(error: unknown, isSent: boolean): Ending {
    const { reason } = this.#stop;
    if (!isSent) return { state: "failed", failure: reason ?? unsentFailure(error) };
    if (this.#parts.readOnly) return { state: "failed", failure: reason ?? lostFailure() };
    const why = reason?.message ?? "The connection to the target was lost before it answered; it may have done what was asked.";
    return { state: "unknown", failure: unknownFailure(why) };
  }

  async #answer(
    { status, fields, body: sent }: ResponseHead,
    scrubber: Scrubber,
    sink: ResultSink,
    exchange: Exchange,
  ): Promise<Ending> {
    const { passes, request } = this.#parts;
    // These have no body, whatever their fields say of one (RFC 9110 §6.4.1).
    const isBodiless = request.method === "HEAD" || status === 204 || status === 304;
    const { fields: plain, body, unknown = "" } = isBodiless ? { fields, body: sent } : decoded(fields, sent);
    if (!isBodiless && isEventStream(plain) && this.#parts.takesEvents?.() === false) {
      exchange.breakOff();
      return { state: "failed", failure: unaskedEventsFailure(status), status };
    }
    try {
      const { masks } = this.#parts.limits;
      const told = { status, fields: plain, unknown, body: isBodiless ? undefined : body };
      // Nothing of it is seen before all of it is masked.
      const masked = masks && (await maskedAnswer(told, masks));
      const headers = fieldsForClient(masked?.fields ?? plain).filter(([name, value]) => passes(name.toLowerCase(), value));
      const heard = sink({ type: "response", status, headers: scrubber.fields(headers) });
      if (heard instanceof Promise) await heard;
      if (unknown !== "") {
        exchange.breakOff();
        return { state: "failed", failure: withheldFailure(status, unknown), status };
      }
      const give = (part: Buffer) => this.#give(scrubber.body(part), sink);
      const parts = masked?.body ?? body;
      if (parts instanceof ResponseBody) await parts.each(give);
      else for await (const part of parts) await give(part);
      await this.#give(scrubber.rest(), sink);
    } catch (error) {
      exchange.breakOff();
      if (error instanceof Unmaskable && !this.#stop.reason)
        return { state: "failed", failure: unmaskableFailure(status, error.message), status };
      return { state: "failed", failure: this.#stop.reason ?? brokenOffFailure(status), status };
    }
    const { reason } = this.#stop;
    return reason === undefined ? { state: "succeeded", status } : { state: "failed", failure: reason, status };
  }

  /** Gives bytes on, cut at exactly the limit. */
  #give(data: Buffer, sink: ResultSink): undefined | Promise<void> {
    const { bytes: limit } = this.#parts.limits;
    const most = (limit ?? Number.POSITIVE_INFINITY) - this.#bytes;
    const part = data.length > most ? data.subarray(0, most) : data;
    this.#bytes += part.length;
    const taken = part.length > 0 ? sink({ type: "body", data: part }) : undefined;
    // A caller that takes nothing more must not keep a request that is to end.
    const waiting = taken instanceof Promise ? this.#stop.orAsked(taken) : undefined;
    if (limit === undefined || data.length <= most) return waiting;
    return Promise.resolve(waiting).then(() => this.#stop.request(limitFailure("bytes", limit)));
  }

  #elapsedMs(): number {
    return this.#parts.now() - this.#startedMs;
  }
}

/** Whether an answer need not end (WHATWG HTML §9.2). */
export function isEventStream(fields: readonly Field[]): boolean {
  return fields.some(([name, value]) => name.toLowerCase() === "content-type" && /^\s*text\/event-stream\s*(?:;|$)/i.test(value));
}

/** What we say for ourselves: no encoding, as the credential is looked for in the answer; and a name, without which some APIs refuse. */
export function withOurs(fields: readonly Field[]): readonly Field[] {
  const isNamed = fields.some(([name]) => name.toLowerCase() === "user-agent");
  return [...fields, ["accept-encoding", "identity"], ...(isNamed ? [] : [["user-agent", "Countersign"] as const])];
}

export function withParameter(path: string, parameter: string): string {
  if (!path.includes("?")) return `${path}?${parameter}`;
  return path.endsWith("?") || path.endsWith("&") ? `${path}${parameter}` : `${path}&${parameter}`;
}
