import { Readable } from "node:stream";
import { CountersignError } from "@countersign/policy";
import type { Dispatcher, Pool } from "undici";
import { type Field, rawFields } from "./fields.ts";
import { ResponseBody } from "./response-body.ts";

/** A request as it is sent. */
export interface SentRequest {
  readonly method: string;
  readonly path: string;
  readonly fields: readonly Field[];
  readonly body: Buffer | StreamedBody | undefined;
}

/** A request all of which is known. */
export type WholeRequest = SentRequest & { readonly body: Buffer | undefined };

/** A body that its client sends while it goes on to the target. Nobody holds all of it. */
export interface StreamedBody {
  /** As its client has said; undefined = it goes on in chunks. */
  readonly bytes: number | undefined;
  /** Read once. */
  readonly parts: AsyncIterable<Buffer>;
}

/** The beginning of an answer. */
export interface ResponseHead {
  readonly status: number;
  readonly fields: readonly Field[];
  /** Read by whoever has the head; throws when the answer breaks off. */
  readonly body: AsyncIterable<Buffer>;
}

/** One request on its way, and its answer. It is undici's handler of itself: closures for each request would be half of its memory. */
export class Exchange implements Dispatcher.DispatchHandler {
  readonly #head = Promise.withResolvers<ResponseHead>();
  #controller: Dispatcher.DispatchController | undefined;
  #body: ResponseBody | undefined;
  #brokenOff: Error | undefined;

  constructor(pool: Pool, { method, path, fields, body }: SentRequest) {
    const headers = fields.flat();
    if (body === undefined || Buffer.isBuffer(body)) {
      pool.dispatch({ method, path, headers, body: body ?? null }, this);
      return;
    }
    if (body.bytes !== undefined) headers.push("content-length", String(body.bytes));
    pool.dispatch({ method, path, headers, body: Readable.from(body.parts, { objectMode: false }) }, this);
  }

  /** @throws {Error} when none comes; {@link isSent} says whether the target may have seen the request. */
  get head(): Promise<ResponseHead> {
    return this.#head.promise;
  }

  /** Whether a byte of it may have left. */
  get isSent(): boolean {
    return this.#controller !== undefined;
  }

  breakOff(): void {
    this.#brokenOff ??= new Error("broken off");
    this.#controller?.abort(this.#brokenOff);
    // While it waits for a connection nothing answers for it.
    this.#head.reject(this.#brokenOff);
    this.#body?.end(this.#brokenOff);
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    if (this.#brokenOff !== undefined) controller.abort(this.#brokenOff);
    else this.#controller = controller;
  }

  onResponseStart(controller: Dispatcher.DispatchController, status: number): void {
    // 100 and 103 come before the answer (RFC 9110 §15.2).
    if (status < 200) return;
    const body = new ResponseBody(controller);
    this.#body = body;
    this.#head.resolve({ status, fields: rawFields(controller.rawHeaders), body });
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#body?.push(chunk) === false) controller.pause();
  }

  onResponseEnd(): void {
    this.#body?.end();
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    this.#head.reject(this.isSent ? error : unreachable(error));
    this.#body?.end(error);
  }
}

/** What a failed connection tells; never what was to be sent. */
export function unreachable(error: Error): CountersignError {
  if (error instanceof CountersignError) return error;
  const code = "code" in error ? String(error.code) : error.name;
  const isTls = /CERT|SSL|TLS|SELF_SIGNED|UNABLE_TO_|HOSTNAME/.test(code);
  const message = isTls
    ? `The target does not prove who it is (${code}); nothing was sent. Check its certificate and the resource's ca.`
    : `The target cannot be reached (${code}); nothing was sent.`;
  return new CountersignError("target_unavailable", message, { retryable: !isTls, cause: error });
}
