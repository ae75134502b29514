/**
 * The composition root: sidecar and control plane in one process, for programs that start Countersign themselves.
 *
 * @packageDocumentation
 */

export { type Config, checkConfig, loadConfig } from "./config/load.ts";
export { type ConfigFile, configSchema } from "./config/schema.ts";
export { type Countersign, type CountersignOptions, startCountersign } from "./countersign.ts";
export { CliError, type ExitCode, exitCodes } from "./exit.ts";
export type { Addresses } from "./instance.ts";
