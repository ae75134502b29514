import type { RecordedSession } from "@countersign/rpc";
import type { ApproverOptions } from "../approver.ts";
import { visible } from "../terminal/escape.ts";
import { durationText } from "../terminal/quantity.ts";
import type { TableColumn } from "../terminal/table.ts";
import { line, type Terminal } from "../terminal/terminal.ts";
import { action, describe, type MakeCommand, withApprover } from "./command.ts";

interface SessionsOptions extends ApproverOptions {
  readonly json?: true;
}

/** `countersign sessions` */
export const sessionsCommand: MakeCommand = (context) =>
  withApprover(
    describe(
      "sessions",
      "list recorded sessions",
      "Lists recorded sessions in terminals, newest first. To cut one that goes on: `countersign revoke ID`.",
      [["countersign sessions"], ["countersign sessions --json | jq -r '.[] | select(.end == null) | .id'"]],
    ).option("--json", "as a JSON array"),
  ).action(action(context, (options: SessionsOptions) => list(context.terminal, options)));

async function list(terminal: Terminal, options: SessionsOptions): Promise<void> {
  const { connectApprover } = await import("../approver.ts");
  using client = await connectApprover(terminal, options);
  const found = await client.sessions();
  if (options.json) return line(terminal.stdout, JSON.stringify(found, null, 2));
  if (found.length === 0) return line(terminal.stderr, "No session has been recorded yet.");
  const { printTable } = await import("../terminal/print-table.ts");
  printTable(
    terminal.stdout,
    columns,
    found.map((session) => row(session, terminal.now())),
  );
}

const columns: readonly TableColumn[] = [
  { title: "SESSION" },
  { title: "STATE" },
  { title: "LENGTH" },
  { title: "STARTED" },
  { title: "KIND" },
  { title: "RESOURCE", shrinks: true },
  { title: "FOR", shrinks: true },
];

function row({ id, end, startedMs, kind, resource, principal }: RecordedSession, nowMs: number): readonly string[] {
  return [
    visible(id),
    end === undefined ? "goes on" : visible(end.reason),
    durationText(end?.durationMs ?? nowMs - startedMs),
    `${durationText(nowMs - startedMs)} ago`,
    visible(kind),
    visible(resource),
    visible(principal?.subject ?? ""),
  ];
}
