import type { IncomingHttpHeaders } from "node:http";
import { goesBy } from "../../../spent-buffers.ts";
import type { StreamedBody } from "../exchange.ts";

/** How long a client may take, milliseconds. */
export interface BodyPatience {
  /** For all of a body that is looked at. */
  readonly wholeMs: number;
  /** For the next part of one that is streamed. */
  readonly silenceMs: number;
}

/** What is read of a request. */
export interface BodySource {
  readonly headers: Pick<IncomingHttpHeaders, "content-length" | "transfer-encoding">;
  iterator(options: { readonly destroyOnReturn: boolean }): AsyncIterable<Buffer>;
  destroy(error: Error): unknown;
}

const none = Buffer.alloc(0);

/** A client that dawdles is cut off. */
const tooSlow = "The client was too slow to send its request.";

/** The body; of one that is larger a byte more than is taken, so that it is refused as such. */
export async function bodyUpTo(request: BodySource, most: number, patience: BodyPatience): Promise<Buffer> {
  const { parts, size } = await start(request, most, patience);
  return parts.length === 0 ? none : Buffer.concat(parts, Math.min(size, most + 1));
}

/** The body, or, of one that is larger, what may be read of it while it is sent on. */
export async function bodyOrStream(request: BodySource, most: number, patience: BodyPatience): Promise<Buffer | StreamedBody> {
  const length = request.headers["content-length"];
  // In any other form it is not ours to say what is meant: classification refuses it.
  const bytes = length !== undefined && /^[1-9][0-9]{0,15}$/.test(length) ? Number(length) : undefined;
  if (bytes !== undefined && bytes > most) return { bytes, parts: streamed(request, [], patience) };
  const { parts, size } = await start(request, most, patience);
  if (size > most) return { bytes, parts: streamed(request, parts, patience) };
  return parts.length === 0 ? none : Buffer.concat(parts, size);
}

async function start(request: BodySource, most: number, { wholeMs }: BodyPatience) {
  const { "content-length": length, "transfer-encoding": coding } = request.headers;
  const parts: Buffer[] = [];
  let size = 0;
  if (coding === undefined && (length === undefined || length === "0")) return { parts, size };
  const timer = setTimeout(() => request.destroy(new Error(tooSlow)), wholeMs);
  try {
    for await (const part of partsOf(request)) {
      parts.push(part);
      size += part.length;
      if (size > most) break;
    }
  } finally {
    clearTimeout(timer);
  }
  return { parts, size };
}

/** What was read already, and then the rest as it comes. Whoever reads slower than the client sends holds it up. */
async function* streamed(request: BodySource, first: readonly Buffer[], { silenceMs }: BodyPatience): AsyncGenerator<Buffer> {
  yield* first;
  let isAwaited = true;
  const timer = setTimeout(() => (isAwaited ? request.destroy(new Error(tooSlow)) : timer.refresh()), silenceMs);
  try {
    for await (const part of partsOf(request)) {
      isAwaited = false;
      goesBy(part.length);
      yield part;
      isAwaited = true;
      timer.refresh();
    }
  } finally {
    clearTimeout(timer);
  }
}

/** What is not read here is read past, up to the end of the request, and then forgotten. */
function partsOf(request: BodySource): AsyncIterable<Buffer> {
  return request.iterator({ destroyOnReturn: false });
}
