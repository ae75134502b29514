/** How often a comment is sent when nothing happens, milliseconds: it shows that the connection lives. */
const heartbeatMs = 15_000;

/**
 * Server-sent events (WHATWG HTML §9.2) of messages, with a comment as heartbeat. Nothing is read from the messages before the reader has
 * taken what came earlier, so a slow reader holds nothing up and costs nothing.
 *
 * @param open - Begins the messages, which end when their signal aborts.
 * @param alive - Asked at every heartbeat and message; the stream ends when it is false.
 */
export async function* eventStream(
  open: (signal: AbortSignal) => AsyncIterable<unknown>,
  alive: () => boolean,
  signal: AbortSignal,
): AsyncGenerator<string> {
  // A generator that waits for its next message cannot be returned from; its signal has to wake it first.
  const ending = new AbortController();
  const iterator = open(AbortSignal.any([signal, ending.signal]))[Symbol.asyncIterator]();
  try {
    yield ": open\n\n";
    let next = iterator.next();
    while (alive()) {
      const heartbeat = Promise.withResolvers<"heartbeat">();
      const timer = setTimeout(heartbeat.resolve, heartbeatMs, "heartbeat");
      const first = await Promise.race([next, heartbeat.promise]).finally(() => clearTimeout(timer));
      if (first === "heartbeat") {
        yield ": alive\n\n";
      } else if (first.done) {
        return;
      } else {
        yield `data: ${JSON.stringify(first.value)}\n\n`;
        next = iterator.next();
      }
    }
  } finally {
    ending.abort();
    await iterator.return?.();
  }
}
