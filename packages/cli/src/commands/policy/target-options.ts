import type { Command } from "commander";
import { collect } from "../command.ts";

/** Which resource is asked for. */
export interface TargetOptions {
  readonly resource?: string;
  readonly label?: readonly string[];
  readonly roles?: string;
  readonly searchPath?: string;
}

/** Adds the options that say what the target is. */
export function withTarget(command: Command): Command {
  return command
    .option("--resource <NAME>", "the target (default: rules about any resource are looked at)")
    .option("--label <KEY=VALUE>", "a label of the target; repeat it for several", collect)
    .option("--roles <A,B>", "the roles that the target has (default: those that rules name)")
    .option("--search-path <A,B>", "postgres: the pinned search_path (default: public)");
}
