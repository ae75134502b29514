// `countersign up`, but killed (-9) by itself at a named step of a guarded call: STOP_AT names it, STOP_AFTER says which time (the first).
import { parseArgs } from "node:util";
import { type Addresses, loadConfig, startCountersign } from "countersign";

const { values } = parseArgs({
  args: process.argv.slice(3),
  options: { config: { type: "string" }, data: { type: "string" }, json: { type: "boolean" } },
});
const stopAt = process.env.STOP_AT;
let left = Number(process.env.STOP_AFTER ?? 1);
const config = await loadConfig(values.config ?? "countersign.yaml", values.data);
const running = await startCountersign(config, {
  environment: process.env,
  onInternalError: (error) => process.stderr.write(`${String(error)}\n`),
  onStep: (step) => {
    if (step === stopAt && --left === 0) process.kill(process.pid, "SIGKILL");
  },
});
const { console, approver, agent }: Addresses = running.addresses;
process.stdout.write(
  `${JSON.stringify({ ready: true, console, signIn: running.signInLink("alice"), agent: agent[0], agents: agent, approver })}\n`,
);
