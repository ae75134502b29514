import type { Asking, AskingJson, Json } from "@countersign/policy";
import type { Command } from "commander";
import { CliError, exitCodes } from "../../exit.ts";
import type { Terminal } from "../../terminal/terminal.ts";
import { collect } from "../command.ts";

/** Who is taken to ask, when, and why. */
export interface CallerOptions {
  readonly issuer?: string;
  readonly subject?: string;
  readonly group?: readonly string[];
  readonly claim?: readonly string[];
  readonly role?: string;
  readonly reason?: string;
  readonly now?: string;
}

/** Adds the options that say who asks. */
export function withCaller(command: Command): Command {
  return command
    .option("--subject <NAME>", "who asks (default: agent)")
    .option("--issuer <URL>", "who vouches for the caller (default: unix, the identity of a socket)")
    .option("--group <NAME>", "a group of the caller; repeat it for several", collect)
    .option("--claim <NAME=JSON>", "a claim of the caller's token; repeat it for several", collect)
    .option("--role <NAME>", "the role that the caller asks for")
    .option("--reason <TEXT>", "the caller's own words")
    .option("--now <TIME>", "when it is asked, as 2026-01-31T12:00:00Z (default: now)");
}

type Caller = Pick<Asking, "principal" | "role" | "reason" | "nowMs">;

/**
 * Finds out who asks: what an operation says itself, else the command line.
 *
 * @throws {CliError} usage, for a claim or a time that cannot be read.
 */
export function openCaller(terminal: Terminal, options: CallerOptions): (asked: AskingJson) => Caller {
  const { issuer = "unix", subject = "agent", group = [], reason = "" } = options;
  const claims = Object.fromEntries((options.claim ?? []).map(readClaim));
  const nowMs = options.now === undefined ? undefined : readTime(options.now);
  return ({ principal: said, ...asked }) => {
    const role = asked.role ?? options.role;
    return {
      principal: {
        issuer: said?.issuer ?? issuer,
        subject: said?.subject ?? subject,
        groups: [...new Set(said?.groups ?? group)].sort(),
        claims: said?.claims ?? claims,
        ...(said?.owner === undefined ? {} : { owner: said.owner }),
      },
      ...(role === undefined ? {} : { role }),
      reason: asked.reason ?? reason,
      nowMs: asked.nowMs ?? nowMs ?? terminal.now(),
    };
  };
}

/** `team=payments`, `level=3`, `tags=["a"]`: what is not JSON is a text. */
function readClaim(option: string): readonly [name: string, value: Json] {
  const separator = option.indexOf("=");
  if (separator < 1)
    throw new CliError(exitCodes.usage, `--claim ${JSON.stringify(option)} is no claim; write NAME=VALUE, e.g. team=payments.`);
  const text = option.slice(separator + 1);
  try {
    return [option.slice(0, separator), JSON.parse(text)];
  } catch {
    return [option.slice(0, separator), text];
  }
}

/** With a time zone: the same command line must mean the same moment everywhere (RFC 3339). */
const moment = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:\d{2})$/;

function readTime(text: string): number {
  const time = moment.test(text) ? Date.parse(text) : Number.NaN;
  if (!Number.isNaN(time)) return time;
  throw new CliError(exitCodes.usage, `--now ${JSON.stringify(text)} is not a time; write e.g. 2026-01-31T12:00:00Z.`);
}
