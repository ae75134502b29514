/** Ctrl-C, the end of a service, and the end of the terminal. */
const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** Run under npm, one Ctrl-C arrives twice: from the terminal and from npm. What comes so soon after the first is no second. */
const sameMs = 500;

/**
 * Runs something that Ctrl-C and its like may abort: the first signal aborts and lets it end in its own time, the second ends the process
 * with status 130.
 */
export async function interruptible<Result>(run: (signal: AbortSignal) => Promise<Result>): Promise<Result> {
  const controller = new AbortController();
  let firstMs: number | undefined;
  const onSignal = (): void => {
    if (firstMs !== undefined && performance.now() - firstMs > sameMs) process.exit(130);
    firstMs ??= performance.now();
    controller.abort();
  };
  for (const name of signals) process.on(name, onSignal);
  try {
    return await run(controller.signal);
  } finally {
    for (const name of signals) process.off(name, onSignal);
  }
}
