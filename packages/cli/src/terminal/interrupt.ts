/**
 * Runs something that Ctrl-C (or SIGTERM) may abort: the first signal aborts and lets it end in its own time, the second ends the process.
 *
 * @param stopped called at the first signal.
 */
export async function interruptible<Result>(
  run: (signal: AbortSignal) => Promise<Result>,
  stopped?: () => void,
): Promise<Result> {
  const controller = new AbortController();
  const onSignal = (): void => {
    if (controller.signal.aborted) process.exit(130);
    controller.abort();
    stopped?.();
  };
  process.on("SIGINT", onSignal).on("SIGTERM", onSignal);
  try {
    return await run(controller.signal);
  } finally {
    process.off("SIGINT", onSignal).off("SIGTERM", onSignal);
  }
}
