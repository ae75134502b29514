import type { Json, Limits, Outcome } from "@countersign/policy";
import { CountersignError } from "@countersign/policy";
import type { Dispatch } from "../../connector.ts";
import { Stop } from "../../stop.ts";
import type { TargetCredential } from "../credential.ts";
import { decoded } from "../decoding.ts";
import { unreachable } from "../exchange.ts";
import {
  brokenOffFailure,
  limitFailure,
  stopFailures,
  unaskedEventsFailure,
  unknownFailure,
  unsentFailure,
  withheldFailure,
} from "../failure.ts";
import { type Field, fieldsForClient, fieldsForTarget } from "../fields.ts";
import { isEventStream, withOurs, withParameter } from "../request-dispatch.ts";
import { Scrubber } from "../scrubber.ts";
import type { ClientUpgrade } from "./client-upgrade.ts";
import { EarlyConnection } from "./early-connection.ts";
import { leftFailure, lostFailure, notWebSocketFailure } from "./failure.ts";
import { protocolsOf } from "./handshake.ts";
import { relay } from "./relay.ts";
import { type Opened, type Opening, openTarget, type SocketUpstream } from "./target-socket.ts";

/** What one dispatch needs of its connector. */
export interface UpgradeParts {
  readonly request: { readonly method: string; readonly path: string; readonly headers: readonly Field[] };
  readonly limits: Limits;
  readonly signal: AbortSignal;
  readonly upstream: SocketUpstream;
  readonly credential: TargetCredential;
  /** Whether a field of a response may go on to the caller. */
  readonly passes: (name: string) => boolean;
  readonly client: ClientUpgrade;
  /** After so long without a word of either side it ends, milliseconds. */
  readonly idleMs: number;
  /** Opening it does what is asked, so that nobody can tell when there is no answer. */
  readonly acts: boolean;
  /** Monotonic milliseconds. */
  readonly now: () => number;
}

type Injected = Awaited<ReturnType<TargetCredential["read"]>>;
type Ending = Pick<Outcome, "state" | "failure" | "status">;

/** One client's WebSocket on its way to the target. */
export class UpgradeDispatch implements Dispatch {
  readonly #parts: UpgradeParts;
  readonly #stop: Stop;
  readonly #startedMs: number;
  #injected: Injected | undefined;
  #early: EarlyConnection | undefined;
  #bytes = 0;

  constructor(parts: UpgradeParts) {
    this.#parts = parts;
    this.#stop = new Stop(parts.signal, stopFailures);
    this.#startedMs = parts.now();
  }

  /** @throws {CountersignError} `denied` where values would have to be masked: in messages nobody knows where they are. */
  async prepare(): Promise<Json> {
    const { limits, credential, upstream } = this.#parts;
    if (limits.masks !== undefined)
      throw new CountersignError(
        "denied",
        "The policy masks values of this, which cannot be done in a WebSocket. Nothing was sent.",
      );
    this.#injected = await credential.read();
    this.#early = new EarlyConnection(upstream);
    return null;
  }

  async run(): Promise<Outcome> {
    const { limits } = this.#parts;
    if (limits.timeMs !== undefined) this.#stop.after(limits.timeMs, this.#elapsedMs());
    const ending = await this.#run();
    return { ...ending, rows: 0, bytes: this.#bytes, durationMs: this.#elapsedMs() };
  }

  async close(): Promise<void> {
    this.#early?.[Symbol.dispose]();
    this.#stop[Symbol.dispose]();
  }

  async #run(): Promise<Ending> {
    const { upstream } = this.#parts;
    if (this.#injected === undefined || this.#early === undefined) throw new TypeError("run() before prepare()");
    if (this.#stop.reason) return { state: "failed", failure: this.#stop.reason };
    const { opening, secrets } = this.#opening(this.#injected);
    const gone = new AbortController();
    this.#stop.heardBy(() => gone.abort());
    const opened = await openTarget({ ...upstream, connect: this.#early.take }, opening, gone.signal);
    const scrubber = new Scrubber(secrets);
    if (opened.type === "answered") return this.#answer(opened, scrubber);
    if (opened.type === "open") return this.#relay(opened, scrubber);
    return this.#unopened(opened);
  }

  /** As it is sent, and what must not come back. */
  #opening({ fields, query, secrets, sign }: Injected): { readonly opening: Opening; readonly secrets: readonly string[] } {
    const { method, path, headers } = this.#parts.request;
    const isOffer = ([name]: Field) => name.toLowerCase() === "sec-websocket-protocol";
    const plain = fieldsForTarget(headers).filter((field) => !isOffer(field));
    const sent = {
      ...{ method, body: undefined, path: query === undefined ? path : withParameter(path, query) },
      fields: [...withOurs(plain), ...fields],
    };
    const signed = sign?.(sent) ?? { fields: [], secrets: [] };
    const protocols = protocolsOf(headers.filter(isOffer).map(([, value]) => value));
    const opening = { path: sent.path, fields: [...sent.fields, ...signed.fields], protocols };
    return { opening, secrets: [...secrets, ...signed.secrets] };
  }

  #unopened({ type, error }: Extract<Opened, { readonly error: Error }>): Ending {
    const { reason } = this.#stop;
    if (type === "unsent") return { state: "failed", failure: reason ?? unsentFailure(unreachable(error)) };
    if (reason === undefined && !("code" in error) && !/timed out/.test(error.message))
      return { state: "failed", failure: notWebSocketFailure(error.message), status: 101 };
    if (!this.#parts.acts) return { state: "failed", failure: reason ?? lostFailure() };
    const why = reason?.message ?? "The connection to the target was lost before it answered; it may have done what was asked.";
    return { state: "unknown", failure: unknownFailure(why) };
  }

  async #relay({ socket: target, protocol }: Extract<Opened, { readonly type: "open" }>, scrubber: Scrubber): Promise<Ending> {
    const { client: waiting, idleMs, limits } = this.#parts;
    const client = this.#stop.reason === undefined ? waiting.take(protocol, []) : undefined;
    if (client === undefined) {
      target.terminate();
      return { state: "failed", failure: this.#stop.reason ?? leftFailure(), status: 101 };
    }
    const { bytes, failure } = await relay({
      ...{ client, target, stop: this.#stop, bytes: limits.bytes, idleMs },
      told: () => (waiting.signal.aborted ? String(waiting.signal.reason) : undefined),
      hide: (data) => Buffer.concat([scrubber.body(data), scrubber.rest()]),
    });
    this.#bytes = bytes;
    return failure === undefined ? { state: "succeeded", status: 101 } : { state: "failed", failure, status: 101 };
  }

  /** Gives on what the target says instead: a refusal, a redirect. */
  async #answer(
    { status, fields, body: sent }: Extract<Opened, { readonly type: "answered" }>,
    scrubber: Scrubber,
  ): Promise<Ending> {
    const { client, passes } = this.#parts;
    const { response } = client;
    this.#stop.heardBy(() => sent.destroy());
    const { fields: plain, body, unknown } = decoded(fields, sent);
    if (isEventStream(plain)) {
      sent.destroy();
      return { state: "failed", failure: unaskedEventsFailure(status), status };
    }
    if (unknown !== undefined) {
      sent.destroy();
      return { state: "failed", failure: withheldFailure(status, unknown), status };
    }
    const headers = fieldsForClient(plain).filter(([name]) => passes(name.toLowerCase()));
    response.writeHead(
      status,
      headers.flatMap((field) => scrubber.field(field)),
    );
    try {
      for await (const part of body as AsyncIterable<Buffer>) await this.#give(scrubber.body(part));
      await this.#give(scrubber.rest());
    } catch {
      return { state: "failed", failure: this.#stop.reason ?? brokenOffFailure(status), status };
    }
    if (this.#stop.reason !== undefined) return { state: "failed", failure: this.#stop.reason, status };
    response.end();
    return { state: "succeeded", status };
  }

  async #give(data: Buffer): Promise<void> {
    const { limits, client } = this.#parts;
    const most = (limits.bytes ?? Number.POSITIVE_INFINITY) - this.#bytes;
    const part = data.length > most ? data.subarray(0, most) : data;
    this.#bytes += part.length;
    if (part.length > 0 && !client.response.write(part))
      await this.#stop.orAsked(new Promise((resolve) => client.response.once("drain", resolve)));
    if (limits.bytes !== undefined && data.length > most) this.#stop.request(limitFailure("bytes", limits.bytes));
  }

  #elapsedMs(): number {
    return this.#parts.now() - this.#startedMs;
  }
}
