import { type Asking, type AskingJson, CountersignError, type HttpApi } from "@countersign/policy";
import type { ConfiguredResource } from "@countersign/sidecar";
import type { Config } from "../../config/load.ts";
import { CliError, exitCodes } from "../../exit.ts";
import type { TargetOptions } from "./target-options.ts";

type Target = Pick<Asking, "resource" | "labels" | "roles" | "searchPath" | "api">;

/**
 * Finds targets: what the command line says about them, else the configuration.
 *
 * @throws {CliError} usage, for an option that cannot be read, or a resource that the configuration does not have.
 */
export async function openTargets(options: TargetOptions, config?: Config): Promise<(asked: AskingJson) => Target> {
  const labels = Object.fromEntries((options.label ?? []).map(readLabel));
  const roles = options.roles === undefined ? undefined : listed(options.roles);
  const searchPath = options.searchPath === undefined ? undefined : listed(options.searchPath);
  const resources = new Map(config?.settings.resources.map((resource) => [resource.name, resource]));
  const apis = new Map<string, HttpApi>();
  const readApi = config?.settings.resources.some(({ type }) => type === "http")
    ? (await import("@countersign/sidecar")).readHttpApi
    : undefined;
  const apiOf = (resource: Extract<ConfiguredResource, { type: "http" }>): HttpApi => {
    const api = apis.get(resource.name) ?? readApi?.(resource, config?.path(".") ?? ".") ?? {};
    apis.set(resource.name, api);
    return api;
  };
  const unknown = (name: string): string =>
    `There is no resource ${JSON.stringify(name)} in ${config?.file}; it has: ${[...resources.keys()].join(", ") || "none"}.`;
  if (config && options.resource !== undefined && !resources.has(options.resource))
    throw new CliError(exitCodes.usage, unknown(options.resource));

  return (asked) => {
    const name = asked.resource ?? options.resource;
    const configured = name === undefined ? undefined : resources.get(name);
    if (config && name !== undefined && configured === undefined) throw new CountersignError("unknown_resource", unknown(name));
    if (configured && configured.type !== asked.type)
      throw new CountersignError("invalid_request", `${name} is of type ${configured.type}; this is a ${asked.type} operation.`);
    const known = asked.roles ?? roles ?? (configured && Object.keys(configured.roles));
    return {
      ...(name === undefined ? {} : { resource: name }),
      labels: { ...configured?.labels, ...labels, ...asked.labels },
      ...(known === undefined ? {} : { roles: known }),
      ...(configured?.type === "http" && { api: apiOf(configured) }),
      searchPath: searchPath ?? (configured?.type === "postgres" ? configured.searchPath : undefined) ?? ["public"],
    };
  };
}

function listed(text: string): readonly string[] {
  return text
    .split(",")
    .map((one) => one.trim())
    .filter((one) => one !== "");
}

function readLabel(option: string): readonly [key: string, value: string] {
  const separator = option.indexOf("=");
  if (separator < 1)
    throw new CliError(exitCodes.usage, `--label ${JSON.stringify(option)} is no label; write KEY=VALUE, e.g. env=prod.`);
  return [option.slice(0, separator), option.slice(separator + 1)];
}
