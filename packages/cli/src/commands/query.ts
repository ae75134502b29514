import type { QueryOptions, RequestProgress } from "@countersign/sdk";
import type { AgentOptions } from "../agent.ts";
import { CliError, type ExitCode, exitCodes } from "../exit.ts";
import { explain } from "../failure.ts";
import { visible } from "../terminal/escape.ts";
import { interruptible } from "../terminal/interrupt.ts";
import { durationText } from "../terminal/quantity.ts";
import { line, paint, type Terminal } from "../terminal/terminal.ts";
import { action, describe, type MakeCommand, parseDuration, withAgent } from "./command.ts";

interface QueryCommandOptions extends AgentOptions {
  readonly reason?: string;
  readonly session?: string;
  readonly timeout?: string;
  readonly json?: true;
}

/** `countersign query` */
export const queryCommand: MakeCommand = (context) =>
  withAgent(
    describe(
      "query <RESOURCE> <SQL> [PARAM...]",
      "run a guarded SQL statement, as an agent",
      "Asks the sidecar to run one SQL statement, as an agent would, and prints its result: a table on a terminal, tab-separated values\notherwise. Each PARAM is the text of $1, $2, …; \\N stands for NULL.",
      [
        ['countersign query orders-db "select * from orders where id = $1" 42'],
        [
          'countersign query orders-db "delete from orders where id = $1" 42 --reason "duplicate of 41"',
          "waits until someone approves",
        ],
        ['countersign query orders-db "table orders" --json | jq .rows'],
      ],
    )
      .option("--reason <TEXT>", "why; approvers see it")
      .option("--session <ID>", "your run or conversation; approvers see it")
      .option("--timeout <TIME>", "how long to wait at most, e.g. 90s or 10m; a request that is still held is then cancelled")
      .option("--json", "one JSON document: rows, what ran, and the receipt"),
  ).action(
    action(context, (resource: string, sql: string, parameters: string[], options: QueryCommandOptions) =>
      query(context.terminal, resource, sql, parameters, options),
    ),
  );

async function query(
  terminal: Terminal,
  resource: string,
  sql: string,
  parameters: readonly string[],
  options: QueryCommandOptions,
): Promise<ExitCode> {
  const [{ connectAgent }, output] = await Promise.all([import("../agent.ts"), import("../query-output.ts")]);
  const types = options.json ? output.jsonTypes : output.textTypes;
  await using client = await connectAgent(terminal, options, { session: options.session ?? "", types });
  const values = parameters.map((text) => (text === "\\N" ? null : text));
  const asking: QueryOptions = {
    reason: options.reason ?? "",
    ...(options.timeout !== undefined && { timeout: parseDuration("--timeout", options.timeout) }),
    cancelOnAbort: true,
    onEvent: (event) => tell(terminal, options, event),
  };
  const target = client.postgres(resource);
  return await interruptible(async (signal) => {
    try {
      if (options.json) await output.printJson(terminal, await target.query(sql, values, { ...asking, signal }));
      else {
        const result = await target.query<readonly (string | null)[]>(sql, values, { ...asking, signal, rowMode: "array" });
        await (terminal.stdout.isTTY ? output.printTable : output.printTsv)(terminal, result);
      }
      return exitCodes.ok;
    } catch (error) {
      if (options.json) line(terminal.stdout, JSON.stringify(failureJson(error)));
      if (signal.aborted)
        throw new CliError(exitCodes.interrupted, "Interrupted. If the request was still held, it is cancelled.", {
          cause: error,
        });
      throw error;
    }
  });
}

/** Tells on standard error what the caller waits for. */
function tell(terminal: Terminal, options: QueryCommandOptions, event: RequestProgress): void {
  const say = (text: string): void => line(terminal.stderr, text);
  switch (event.type) {
    case "pending": {
      const where =
        options.data === undefined
          ? options.config === undefined
            ? ""
            : ` --config ${options.config}`
          : ` --data ${options.data}`;
      say(
        `${paint(terminal.stderr, "yellow", "Waiting for approval")} of ${event.requestId}, at most ${durationText(event.expires.getTime() - terminal.now())}.`,
      );
      say(`  Console:  ${visible(event.approvalUrl)}`);
      say(`  Shell:    countersign approve ${event.requestId}${where}`);
      break;
    }
    case "vote": {
      const comment = event.comment === "" ? "" : `: ${visible(event.comment)}`;
      say(`${visible(event.approver)} ${event.verdict === "approve" ? "approved" : "denied"}${comment}`);
      break;
    }
    case "escalated":
      say(`Also asked: ${event.to.map(visible).join(", ")}`);
      break;
  }
}

function failureJson(error: unknown): Record<string, unknown> {
  const { message } = explain(error);
  const field = (name: string): Record<string, unknown> => {
    const value: unknown = typeof error === "object" && error !== null && name in error ? Reflect.get(error, name) : undefined;
    return value === undefined ? {} : { [name]: value };
  };
  const code = typeof error === "object" && error !== null && "code" in error ? String(error.code) : "";
  return {
    state: endings[code] ?? "failed",
    ...field("requestId"),
    error: { ...field("code"), message, ...field("targetCode"), ...field("retryable") },
  };
}

/** How a request ended, by the code of the error that says so. */
const endings: Readonly<Record<string, string>> = {
  denied: "denied",
  expired: "expired",
  cancelled: "cancelled",
  aborted: "cancelled",
  timeout: "cancelled",
  revoked: "revoked",
  unknown_outcome: "unknown",
  target_lost: "unknown",
};
