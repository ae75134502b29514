/** A value on its way from its source to the reader. */
interface Offer<Value> {
  readonly value: Value;
  readonly taken: () => void;
}

/**
 * Several sources as one, each in its own order. Each is asked for its next value when the one before was taken, so that a slow reader holds
 * at most one of each. Ends when all have ended, and fails when one fails; the sources have to end when `signal` aborts.
 *
 * Not by `Promise.race`: a source that is silent for months would hold on to every value of the others.
 */
export async function* merged<Value>(
  sources: readonly ((signal: AbortSignal) => AsyncIterable<Value>)[],
  signal: AbortSignal,
): AsyncGenerator<Value> {
  const ending = new AbortController();
  const offers: Offer<Value>[] = [];
  let news = Promise.withResolvers<void>();
  let isOver = false;
  const over = Promise.all(
    sources.map(async (open) => {
      for await (const value of open(AbortSignal.any([signal, ending.signal]))) {
        const { promise, resolve } = Promise.withResolvers<void>();
        offers.push({ value, taken: resolve });
        news.resolve();
        await promise;
      }
    }),
  ).finally(() => {
    isOver = true;
    news.resolve();
  });
  // Awaited below; until then a failure is nobody's.
  over.catch(() => {});
  try {
    while (!isOver || offers.length > 0) {
      const offer = offers.shift();
      if (offer === undefined) {
        await news.promise;
        news = Promise.withResolvers();
      } else {
        yield offer.value;
        offer.taken();
      }
    }
    await over;
  } finally {
    ending.abort();
    for (const { taken } of offers) taken();
  }
}
