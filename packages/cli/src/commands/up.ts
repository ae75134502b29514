import { Option } from "commander";
import type { Logger } from "pino";
import type { Countersign, CountersignOptions } from "../countersign.ts";
import { type ExitCode, exitCodes } from "../exit.ts";
import { configFile, type InstanceOptions } from "../instance.ts";
import { interruptible } from "../terminal/interrupt.ts";
import { line, paint, type Terminal } from "../terminal/terminal.ts";
import { action, describe, type MakeCommand, withInstance } from "./command.ts";

interface UpOptions extends InstanceOptions {
  readonly json?: true;
  readonly logLevel: string;
}

/** `countersign up` */
export const upCommand: MakeCommand = (context) =>
  withInstance(
    describe(
      "up",
      "run the sidecar, the control plane and the console",
      "Runs everything in one process: sidecar, control plane, approver API and console. Ctrl-C stops it.\nChanged policy files are taken into use while it runs; SIGHUP makes it look at once. OpenAPI documents are read again then, and with every other policy. The rest of the configuration is read at the start.",
      [
        ["countersign up", "with ./countersign.yaml"],
        ["countersign up --config ops/countersign.yaml --data /var/lib/countersign"],
        ["countersign up --json", "the first line of standard output is the addresses, as JSON"],
      ],
    )
      .option("--json", "print one JSON line with the addresses when ready, instead of the banner")
      .addOption(
        new Option("--log-level <LEVEL>", "how much is logged to standard error")
          .choices(["debug", "info", "warn", "error"])
          .default("info"),
      ),
  ).action(action(context, (options: UpOptions) => up(context.terminal, options)));

async function up(terminal: Terminal, options: UpOptions): Promise<ExitCode> {
  const [{ loadConfig }, { startCountersign }, { createLog }, { logPolicy }, { reloadApis, reloadApisWith }] = await Promise.all([
    import("../config/load.ts"),
    import("../countersign.ts"),
    import("../terminal/log.ts"),
    import("../policy-log.ts"),
    import("../api-log.ts"),
  ]);
  const config = await loadConfig(configFile(terminal, options), options.data);
  const log = createLog(terminal, options.logLevel);
  const onInternalError = (error: unknown): void =>
    log.error({ error: error instanceof Error ? error.stack : String(error) }, "internal error");
  let reload = (): void => {};
  const run = async (stop: AbortSignal): Promise<ExitCode> => {
    const running = await startCountersign(config, {
      environment: terminal.env,
      onInternalError,
      onEmergency: logEmergency(log),
    });
    const { policy, resources, reloadPolicy } = running;
    reload = () => {
      reloadApis(resources, log);
      reloadPolicy();
    };
    logPolicy(policy, log, stop).catch(onInternalError);
    reloadApisWith(policy, resources, log, stop).catch(onInternalError);
    if (!running.hasConsole) log.warn("the console's pages are not built, only its API is served; run: npm run build");
    for (const warning of running.warnings) log.warn(warning);
    await announce(terminal, options, running);
    await aborted(stop);
    log.info("stopping");
    const late = setTimeout(() => {
      log.error("not everything stopped in time; the next start recovers what was going on");
      process.exit(exitCodes.failure);
    }, patienceMs);
    await running.close();
    clearTimeout(late);
    log.info("stopped");
    return exitCodes.ok;
  };
  return await interruptible(run, () => reload());
}

/** Says loudly that somebody approved alone, or that nobody has looked at it in time. What they wrote stays in the audit log. */
function logEmergency(log: Logger): NonNullable<CountersignOptions["onEmergency"]> {
  return ({ requestId: request, resource, by, dueMs }, change) => {
    const detail = { request, resource, by: by.map(({ subject }) => subject), due: new Date(dueMs).toISOString() };
    if (change === "opened") log.warn(detail, "EMERGENCY: somebody approved alone; another person has to review it");
    else log.error(detail, "OVERDUE: nobody has reviewed an emergency in time; run: countersign reviews");
  };
}

/** How long a graceful stop may take. */
const patienceMs = 10_000;

async function announce(
  terminal: Terminal,
  options: UpOptions,
  { addresses, dataFolder, signInLink }: Countersign,
): Promise<void> {
  const { console, approver, agent, approvers, postgres, ssh, http, kubernetes } = addresses;
  const [first] = approvers;
  const signIn = first === undefined ? undefined : await signInLink(first);
  if (options.json) {
    line(
      terminal.stdout,
      JSON.stringify({
        ready: true,
        console,
        signIn,
        agent: agent[0],
        approver,
        agents: agent,
        postgres,
        ssh,
        http,
        kubernetes,
        data: dataFolder,
        pid: addresses.pid,
      }),
    );
    return;
  }
  const heading = (text: string): string => paint(terminal.stdout, "bold", text);
  const where =
    options.data === undefined ? (options.config === undefined ? "" : ` --config ${options.config}`) : ` --data ${options.data}`;
  const lines = [
    "",
    `${paint(terminal.stdout, "green", "●")} ${heading("Countersign is running")}`,
    "",
    `  Console     ${console}`,
    signIn === undefined
      ? "  Sign in     nobody can: name people under `approvers` in the configuration"
      : `  Sign in     ${signIn}`,
    ...(signIn === undefined
      ? []
      : [
          `              ${paint(terminal.stdout, "gray", `as ${first}; once, within ten minutes; \`countersign sign-in${where}\` makes another`)}`,
        ]),
    ...agent.map((address) => `  Agents      ${address}`),
    ...postgres.map(({ address }) => `  PostgreSQL  ${address}`),
    ...http.map(({ url }) => `  HTTP        ${url}`),
    ...kubernetes.map(({ server }) => `  Kubernetes  ${server}`),
    ...ssh.map(({ address, hostKey }) => `  SSH         ${address}  ${paint(terminal.stdout, "gray", hostKey)}`),
    `  Approvers   ${approver}`,
    `  Data        ${dataFolder}`,
    "",
    `  Ask         countersign query${where} RESOURCE "select 1"`,
    `  Approve     countersign requests${where}  ·  countersign approve${where} ID`,
    `  Stop        Ctrl-C`,
    "",
  ];
  for (const one of lines) line(terminal.stdout, one);
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
