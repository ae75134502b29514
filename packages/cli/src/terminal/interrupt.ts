import { isatty } from "node:tty";

/** Ctrl-C, the end of a service, and the end of the terminal. */
const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** Run under npm, one Ctrl-C arrives twice: from the terminal and from npm. What comes so soon after the first is no second. */
const sameMs = 500;

/**
 * Runs something that Ctrl-C and its like may abort: the first signal aborts and lets it end in its own time, the second ends the process
 * with status 130.
 *
 * @param onHangup what SIGHUP does instead, unless it is told because the program's terminal has gone: services are told by it to read their
 * configuration again.
 */
export async function interruptible<Result>(
  run: (signal: AbortSignal) => Promise<Result>,
  onHangup?: () => void,
): Promise<Result> {
  const controller = new AbortController();
  let firstMs: number | undefined;
  const terminals = [0, 1, 2].filter(isatty);
  const onSignal = (name: NodeJS.Signals): void => {
    // A terminal that has gone is none any more, also for those who had it open.
    if (name === "SIGHUP" && onHangup !== undefined && terminals.every(isatty)) {
      onHangup();
      return;
    }
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
