import type { Query } from "../request/query.ts";
import { refused } from "../request/refusal.ts";
import { doubtsAboutCommand } from "./command.ts";
import { readFlag, readSingle } from "./parameters.ts";
import type { RequestInfo } from "./request-info.ts";

/** What `exec`, `attach` and `log` ask for in the query. */
export interface Stream {
  readonly container: string;
  readonly argv: readonly string[];
  readonly tty: boolean;
  readonly stdin: boolean;
  readonly doubts: readonly string[];
}

const none: Stream = { container: "", argv: Object.freeze([]), tty: false, stdin: false, doubts: [] };

/** The parameters of `PodExecOptions`, `PodAttachOptions` and `PodPortForwardOptions`; anything else is a mistake or a trap. */
const parameters: Readonly<Record<string, ReadonlySet<string>>> = {
  exec: new Set(["command", "container", "stdin", "stdout", "stderr", "tty"]),
  attach: new Set(["container", "stdin", "stdout", "stderr", "tty"]),
  portforward: new Set(["ports"]),
};

/**
 * Reads the options of a stream as the API server decodes them; it takes them from the query only.
 *
 * @param hasInput - Whether all that goes to its standard input is known: it is the body.
 * @throws {CountersignError} `invalid_operation` for an unknown or repeated parameter, or `exec` of nothing.
 */
export function readStream({ group, resource, subresource }: RequestInfo, query: Query, hasInput: boolean): Stream {
  if (group !== "" || resource !== "pods") return none;
  if (subresource === "log") return { ...none, container: readSingle(query, "container") ?? "" };
  const known = parameters[subresource];
  if (!known) return none;
  for (const parameter of Object.keys(query.values)) {
    if (!known.has(parameter)) throw refused(`${subresource} has no parameter of that name; it has ${[...known].join(", ")}.`);
  }
  const argv = (subresource === "exec" ? query.values.command : undefined) ?? none.argv;
  const stdin = readFlag(query, "stdin");
  const tty = readFlag(query, "tty");
  return {
    container: readSingle(query, "container") ?? "",
    argv,
    tty,
    stdin,
    doubts: doubtsAbout(subresource, argv, tty, stdin && (hasInput ? "given" : "unseen")),
  };
}

function doubtsAbout(
  subresource: string,
  argv: readonly string[],
  tty: boolean,
  stdin: false | "given" | "unseen",
): readonly string[] {
  const doubts: string[] = [];
  if (tty) doubts.push("a terminal is asked for, and what is typed there is not seen");
  if (stdin === "given") doubts.push("standard input is given, and what the program makes of it is not known");
  if (stdin === "unseen") doubts.push("standard input is connected, and what is sent there is not seen");
  if (subresource !== "exec") return doubts;
  if (argv.length === 0) throw refused("exec names no command.");
  return [...doubts, ...doubtsAboutCommand(argv)];
}
