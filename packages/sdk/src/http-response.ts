import type { Event } from "@countersign/rpc";
import type { Connection, Opening } from "./connection.ts";
import { CountersignError } from "./errors.ts";
import { outcomeError } from "./outcome.ts";
import { PullStream } from "./pull-stream.ts";
import { follow, type Waiting } from "./waiting.ts";

/** The head of a response. */
interface Head {
  readonly status: number;
  readonly headers: readonly (readonly [name: string, value: string])[];
}

/** A response as it comes: its head, and then its body, part by part. */
export class ResponseParts extends PullStream<Head | Buffer> {
  constructor(connection: Connection, opening: Opening, waiting: Waiting) {
    let received = 0;
    let hasHead = false;
    const take = (stream: PullStream<Head | Buffer>, { event, requestId }: Event): void => {
      if (event?.$case === "response") {
        const { status, headers } = event.value;
        hasHead = true;
        stream.push(() => [{ status, headers: headers.map(({ name, value }) => [name, value] as const) }]);
      } else if (event?.$case === "body") {
        const { data } = event.value;
        received += data.length;
        stream.push(() => [data]);
      } else if (event?.$case === "done") {
        const failure =
          outcomeError(event.value, requestId) ?? (hasHead && received >= event.value.bytes ? undefined : lost(requestId));
        stream.end(failure && { error: failure });
      }
    };
    super((stream) =>
      follow(connection, opening, waiting, {
        event: (event) => take(stream, event),
        failed: (error) => stream.end({ error }),
      }),
    );
  }
}

function lost(requestId: string): CountersignError {
  const message = "The request was answered, but the answer was lost on the way; do not send it again only to get it.";
  return new CountersignError("result_gone", message, { requestId });
}

/** Fetch Standard §2.2.3: a response with one of these has no body. */
const bodiless: ReadonlySet<number> = new Set([204, 205, 304]);

/** The response as `fetch` gives it; its body is read from the sidecar as fast as it is read here. */
export async function responseOf(parts: ResponseParts, { method, url }: Pick<Request, "method" | "url">): Promise<Response> {
  const first = await parts.next();
  if (first.done || Buffer.isBuffer(first.value)) throw lost("");
  const { status, headers } = first.value;
  if (status > 599) {
    await parts.return();
    throw new CountersignError("target_error", `The target answered ${status}, which is no status of HTTP.`);
  }
  const init = { status, headers: headers.map(([name, value]): [string, string] => [name, value]) };
  const isEmpty = bodiless.has(status) || method === "HEAD";
  // How it ended is asked for all the same: until then it is not known to have.
  if (isEmpty) for (let next = await parts.next(); !next.done; next = await parts.next());
  const response = new Response(isEmpty ? null : bodyOf(parts), init);
  Object.defineProperty(response, "url", { value: url });
  return response;
}

function bodyOf(parts: ResponseParts): ReadableStream<Uint8Array> {
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const { value, done } = await parts.next();
        if (done) controller.close();
        else if (Buffer.isBuffer(value)) controller.enqueue(new Uint8Array(value.buffer, value.byteOffset, value.length));
      },
      async cancel() {
        await parts.return();
      },
    },
    { highWaterMark: 0 },
  );
}
