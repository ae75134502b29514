import { userInfo } from "node:os";
import { ApproverClient } from "./approver-client.ts";
import { developmentToken } from "./development-token.ts";
import { CliError, exitCodes } from "./exit.ts";
import { type Addresses, dataFolder, type InstanceOptions, readAddresses } from "./instance.ts";
import type { Terminal } from "./terminal/terminal.ts";

/** How an approver's command is told who the approver is. */
export interface ApproverOptions extends InstanceOptions {
  readonly as?: string;
}

/** How long a token lasts that is made for one command, and one for following the inbox: a stream ends with its token. */
const tokenMs = { command: 5 * 60_000, watch: 12 * 3_600_000 } as const;

/**
 * Connects to the approver API of the running instance: with COUNTERSIGN_TOKEN, or in development as a configured approver.
 *
 * @throws {CliError} unreachable, or usage when it is not clear who the approver is.
 */
export async function connectApprover(
  terminal: Terminal,
  options: ApproverOptions,
  purpose: keyof typeof tokenMs = "command",
): Promise<ApproverClient> {
  const folder = dataFolder(terminal, options);
  const addresses = await readAddresses(folder);
  const given = terminal.env.COUNTERSIGN_TOKEN;
  if (options.as === undefined && given) return new ApproverClient(addresses.approver, given);
  const token = await developmentToken(folder, {
    subject: approverName(addresses, options.as),
    groups: [],
    audience: "approver",
    ttlMs: tokenMs[purpose],
    nowMs: terminal.now(),
  });
  return new ApproverClient(addresses.approver, token);
}

/** Who the approver is: the one named, the login name when it is configured, or the only one that is. */
export function approverName(addresses: Addresses, named: string | undefined): string {
  const { approvers } = addresses;
  if (named !== undefined) {
    if (approvers.includes(named)) return named;
    throw new CliError(exitCodes.usage, `${JSON.stringify(named)} is not a configured approver. ${known(approvers)}`);
  }
  const login = userInfo().username;
  if (approvers.includes(login)) return login;
  const [only, ...others] = approvers;
  if (only !== undefined && others.length === 0) return only;
  throw new CliError(exitCodes.usage, `Say who you are with --as NAME. ${known(approvers)}`);
}

function known(approvers: readonly string[]): string {
  return approvers.length === 0
    ? "No approvers are configured: name them under `approvers` in countersign.yaml and restart `countersign up`."
    : `The configured approvers are: ${approvers.join(", ")}.`;
}
