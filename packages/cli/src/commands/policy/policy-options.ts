import type { Command } from "commander";
import { collect } from "../command.ts";

/** Which rules a command is about. */
export interface PolicyOptions {
  readonly policy?: readonly string[];
  readonly config?: string;
}

/** Adds `--policy` and `--config`. */
export function withPolicy(command: Command): Command {
  return command
    .option("--policy <FILE>", "a policy file or folder; repeat it for several (default: the configuration's)", collect)
    .option("--config <FILE>", "the configuration (default: ./countersign.yaml, when no --policy is given)");
}
