import { isCredentialHeader } from "@countersign/policy/operation";
import type { ListResourcesResponse } from "@countersign/rpc";
import type { Asking, HttpRequestAction } from "./action.ts";
import { CountersignError } from "./errors.ts";
import { ResponseParts, responseOf } from "./http-response.ts";
import { toSubmit } from "./operation.ts";
import type { CallSettings } from "./postgres.ts";
import type { Waiting } from "./waiting.ts";

/** What `fetch` takes, and what goes with an action. */
export interface HttpInit extends Omit<RequestInit, "signal">, Asking, Waiting {
  /** Headers with a credential of the agent's own that are sent, by lower-case name; all others are left out: the sidecar has the target's. */
  ownCredentials?: readonly string[] | undefined;
}

/** Either kind of init. */
interface OwnInit extends Omit<HttpInit, "signal"> {
  readonly signal?: AbortSignal | null | undefined;
}

/** A body is held, shown and bound as a whole. */
const mostBodyBytes = 4 * 1024 * 1024;
/** Stands for the target until its origin is known. */
const unnamed = "https://resource.invalid";

/** An HTTP API. */
export class HttpResource {
  /** The resource's configured name. */
  readonly name: string;
  readonly #settings: CallSettings;
  #origin: Promise<string> | undefined;

  constructor(name: string, settings: CallSettings) {
    this.name = name;
    this.#settings = settings;
  }

  /**
   * The global `fetch`, through the sidecar: for a path of the resource (`/v1/refunds`), or a full URL of its origin. It can be handed to whatever
   * takes a `fetch`. The body of a request (at most 4 MiB; a stream is read to its end first) is part of what is approved, the body of a response streams.
   * What is larger nobody could look through: send it with any other HTTP client to the base URL that the sidecar's operator gives the resource
   * (`sidecar.http`), with the agent's token as `Authorization: Bearer`; it streams where a rule looks at `http.streamed`. Redirects are given back,
   * never followed. The agent's own credentials (`authorization`, `cookie`, `x-api-key` …) are left out, unless {@link HttpInit.ownCredentials} names them.
   *
   * @throws {CountersignError} `denied`, `expired`, `cancelled`, `revoked`: it was not sent. `target_unavailable`: neither. `unknown_outcome`,
   * `target_lost`, `limit_exceeded`, `result_gone`, `sidecar_unreachable` that is not `retryable`: it may have been done. The body of a response
   * ends with the same errors. `invalid_operation` for another origin. `TypeError` as `fetch`.
   */
  readonly fetch = async (input: string | URL | Request, init: HttpInit | RequestInit = {}): Promise<Response> => {
    const given: OwnInit = init;
    const { ownCredentials = [], reason, idempotencyKey, timeout, cancelOnAbort, onEvent, signal, ...plain } = given;
    const target = typeof input === "string" ? new URL(input, unnamed) : input;
    // Fetch Standard §5.4: without it a stream is no body.
    const request = new Request(target, { ...plain, ...{ duplex: "half" as const }, ...(signal && { signal }) });
    await this.#check(new URL(request.url).origin);
    const { session, defaults } = this.#settings;
    const asking = { reason: reason ?? defaults.reason ?? "", idempotencyKey };
    const submit = toSubmit(await this.#action(request, ownCredentials), asking, session);
    const waiting = { timeout: timeout ?? defaults.timeout, cancelOnAbort, onEvent, signal: request.signal };
    const parts = new ResponseParts(this.#settings.connection, { type: "execute", submit }, waiting);
    return await responseOf(parts, request);
  };

  async #action(request: Request, ownCredentials: readonly string[]): Promise<HttpRequestAction> {
    const { method } = request;
    const url = new URL(request.url);
    const headers = [...request.headers].filter(
      ([name, value]) => ownCredentials.includes(name) || !isCredentialHeader(name, value),
    );
    const body = await wholeBody(request);
    const path = `${url.pathname}${url.search}`;
    return { kind: "http.request", resource: this.name, method, path, headers, ...(body && { body }) };
  }

  async #check(origin: string): Promise<void> {
    if (origin === unnamed) return;
    const own = await this.#ownOrigin();
    if (origin === own) return;
    const message =
      own === ""
        ? `There is no HTTP resource ${this.name}.`
        : `${this.name} is ${own}, not ${origin}. Use its paths, or the resource of that origin.`;
    throw new CountersignError("invalid_operation", message);
  }

  /** Asked for once: what changes it is a restart of the sidecar, which decides by its own anyway. */
  #ownOrigin(): Promise<string> {
    this.#origin ??= this.#settings.connection
      .unary<ListResourcesResponse>((client, metadata, done) => client.listResources({}, metadata, done))
      .then(({ resources }) => resources.find(({ name }) => name === this.name)?.origin ?? "")
      .catch((error: unknown) => {
        this.#origin = undefined;
        throw error;
      });
    return this.#origin;
  }
}

/** @throws {CountersignError} `operation_too_large`, before anything was sent. */
async function wholeBody({ body }: Request): Promise<Buffer | undefined> {
  if (body === null) return undefined;
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const part of body) {
    size += part.length;
    if (size > mostBodyBytes)
      throw new CountersignError(
        "operation_too_large",
        "The body is larger than 4 MiB, and nobody could look through it before they agree; nothing was sent. Send less at once, or send it to the base URL that " +
          "the sidecar has for the resource (sidecar.http in countersign.yaml) with `Authorization: Bearer TOKEN`: there it streams where a rule looks at http.streamed.",
      );
    parts.push(part);
  }
  return size === 0 ? undefined : Buffer.concat(parts, size);
}
