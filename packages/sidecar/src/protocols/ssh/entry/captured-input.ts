import type { Readable } from "node:stream";

/** What a client has sent to a command's standard input before anybody decided about the command. */
export type Captured =
  /** All of it; it has ended. */
  | { readonly type: "whole"; readonly bytes: Buffer }
  /** Nobody sends anything, and it does not end: a person may sit there. */
  | { readonly type: "silent" }
  /** More than can be captured, or it began and does not go on. */
  | { readonly type: "endless"; readonly why: string };

/** How long is waited for input. */
export interface CapturePatience {
  /** For its first byte or its end, milliseconds. */
  readonly firstMs: number;
  /** For more of it. */
  readonly nextMs: number;
  readonly mostBytes: number;
}

/**
 * Reads a standard input to its end, so that it can be part of what is asked for. What was read is gone: afterwards the input is either in the
 * operation or not connected.
 */
export async function capture(
  input: Readable,
  { firstMs, nextMs, mostBytes }: CapturePatience,
  signal: AbortSignal,
): Promise<Captured> {
  const parts: Buffer[] = [];
  let size = 0;
  const { promise, resolve } = Promise.withResolvers<Captured>();
  const endless = () => resolve({ type: "endless", why: "it began and did not end" });
  let timer = setTimeout(() => resolve({ type: "silent" }), firstMs);
  const onData = (data: Buffer) => {
    clearTimeout(timer);
    timer = setTimeout(endless, nextMs);
    size += data.length;
    if (size > mostBytes) resolve({ type: "endless", why: `it has more than ${mostBytes} bytes` });
    else parts.push(data);
  };
  const onEnd = () => resolve({ type: "whole", bytes: Buffer.concat(parts) });
  const onAbort = () => resolve({ type: "silent" });
  input.on("data", onData).once("end", onEnd);
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", onAbort);
    input.off("data", onData).off("end", onEnd);
    // Whatever else comes is read and dropped, so that the client is not held up by a window that nobody opens.
    input.resume();
  }
}
