import type { Json, Principal } from "@countersign/policy";
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
    .option("--reason <TEXT>", "the caller's own words")
    .option("--now <TIME>", "when it is asked, as 2026-01-31T12:00:00Z (default: now)");
}

/** What a question holds besides the operation and its target. */
export interface Caller {
  readonly principal: Principal;
  readonly reason: string;
  readonly nowMs: number;
}

/**
 * Reads the options of {@link withCaller}.
 *
 * @throws {CliError} usage, for a claim or a time that cannot be read.
 */
export function readCaller(terminal: Terminal, options: CallerOptions): Caller {
  return {
    principal: {
      issuer: options.issuer ?? "unix",
      subject: options.subject ?? "agent",
      groups: [...new Set(options.group)].sort(),
      claims: Object.fromEntries((options.claim ?? []).map(readClaim)),
    },
    reason: options.reason ?? "",
    nowMs: options.now === undefined ? terminal.now() : readTime(options.now),
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
