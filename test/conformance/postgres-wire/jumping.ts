// `countersign up`, but its clock jumps ten minutes ahead at each SIGUSR2: what waits does so for that long without anybody sitting through it.
import { parseArgs } from "node:util";
import { loadConfig, startCountersign } from "countersign";

const stepMs = 10 * 60_000;
const { values } = parseArgs({
  args: process.argv.slice(3),
  options: { config: { type: "string" }, data: { type: "string" }, json: { type: "boolean" } },
});

interface Timer {
  readonly atMs: number;
  readonly call: () => void;
  readonly timeout: NodeJS.Timeout;
}

let aheadMs = 0;
const timers = new Set<Timer>();
const monotonicMs = (): number => performance.now() + aheadMs;
process.on("SIGUSR2", () => {
  aheadMs += stepMs;
  for (const timer of timers)
    if (timer.atMs <= monotonicMs()) {
      clearTimeout(timer.timeout);
      timers.delete(timer);
      timer.call();
    }
});

const config = await loadConfig(values.config ?? "countersign.yaml", values.data);
const running = await startCountersign(config, {
  environment: process.env,
  onInternalError: (error) => process.stderr.write(`${String(error)}\n`),
  clock: {
    wallMs: () => Date.now() + aheadMs,
    monotonicMs,
    after(delayMs, call) {
      const ring = (): void => {
        timers.delete(timer);
        call();
      };
      const timer: Timer = { atMs: monotonicMs() + delayMs, call, timeout: setTimeout(ring, delayMs).unref() };
      timers.add(timer);
      return () => {
        clearTimeout(timer.timeout);
        timers.delete(timer);
      };
    },
  },
});
for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, () => void running.close().then(() => process.exit(0)));
const { agent, ...addresses } = running.addresses;
process.stdout.write(`${JSON.stringify({ ready: true, ...addresses, agent: agent[0], agents: agent })}\n`);
