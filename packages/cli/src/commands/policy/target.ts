import type { ProtocolName, Question } from "@countersign/policy";
import type { Command } from "commander";
import type { Config } from "../../config/load.ts";
import { CliError, exitCodes } from "../../exit.ts";
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
    .option("--resource <NAME>", "the target; with a configuration its labels, roles and search_path come from there")
    .option("--label <KEY=VALUE>", "a label of the target; repeat it for several", collect)
    .option("--roles <A,B>", "the roles that the target has")
    .option("--search-path <A,B>", "postgres: the pinned search_path (default: public)");
}

/** A target as policy and classification see it. */
export interface Target {
  readonly resource: Question["resource"];
  readonly searchPath: readonly string[];
}

/**
 * The target that a command line names, with what the configuration says about it; undefined when none is named.
 *
 * @throws {CliError} usage, for a label that cannot be read or a resource that the configuration does not have.
 */
export function readTarget(options: TargetOptions, type: ProtocolName, config?: Config): Target | undefined {
  const { resource: name } = options;
  if (name === undefined) return undefined;
  const configured = config?.settings.resources.find((one) => one.name === name);
  if (config !== undefined && configured === undefined) {
    const known = config.settings.resources.map((one) => one.name).join(", ") || "none";
    throw new CliError(exitCodes.usage, `${config.file} has no resource ${JSON.stringify(name)}; it has: ${known}.`);
  }
  return {
    resource: {
      name,
      type: configured?.type ?? type,
      labels: { ...configured?.labels, ...readLabels(options.label ?? []) },
      roles: options.roles === undefined ? Object.keys(configured?.roles ?? {}) : listed(options.roles),
    },
    searchPath: readSearchPath(options) ?? configured?.searchPath ?? defaultSearchPath,
  };
}

/** As PostgreSQL resources have it unless they are told otherwise. */
export const defaultSearchPath: readonly string[] = ["public"];

/** `--search-path`, where it is given. */
export function readSearchPath({ searchPath }: TargetOptions): readonly string[] | undefined {
  return searchPath === undefined ? undefined : listed(searchPath);
}

function listed(text: string): readonly string[] {
  return text
    .split(",")
    .map((one) => one.trim())
    .filter((one) => one !== "");
}

function readLabels(options: readonly string[]): Readonly<Record<string, string>> {
  return Object.fromEntries(
    options.map((option) => {
      const separator = option.indexOf("=");
      if (separator < 1)
        throw new CliError(exitCodes.usage, `--label ${JSON.stringify(option)} is no label; write KEY=VALUE, e.g. env=prod.`);
      return [option.slice(0, separator), option.slice(separator + 1)];
    }),
  );
}
