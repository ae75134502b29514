import type { RequestSummary } from "@countersign/rpc";
import { Option } from "commander";
import type { ApproverOptions } from "../approver.ts";
import type { ApproverClient } from "../approver-client.ts";
import { type ExitCode, exitCodes } from "../exit.ts";
import { type StateName, stateFormats, stateNames } from "../state-name.ts";
import { visible } from "../terminal/escape.ts";
import { interruptible } from "../terminal/interrupt.ts";
import { countText, durationText } from "../terminal/quantity.ts";
import { columnWidths, type TableColumn, tableLine } from "../terminal/table.ts";
import { line, paint, type Terminal, width } from "../terminal/terminal.ts";
import { action, describe, type MakeCommand, withApprover } from "./command.ts";

interface RequestsOptions extends ApproverOptions {
  readonly state?: readonly StateName[];
  readonly all?: true;
  readonly watch?: true;
  readonly each?: true;
  readonly json?: true;
}

/** `countersign requests` */
export const requestsCommand: MakeCommand = (context) =>
  withApprover(
    describe(
      "requests",
      "list the requests that wait for approval",
      "Lists requests, newest first: the pending ones, unless told otherwise.\nWhat a caller asks for several times is listed once, with the number of times; each needs its own votes.",
      [
        ["countersign requests"],
        ["countersign requests --all --json | jq -r '.[].id'"],
        ["countersign requests --watch", "follow the inbox until Ctrl-C"],
      ],
    )
      .addOption(
        new Option("--state <STATE...>", `only these states: ${stateNames.join(", ")}`)
          .choices(stateNames)
          .conflicts(["all", "watch"]),
      )
      .addOption(new Option("--all", "requests in every state").conflicts("watch"))
      .addOption(new Option("--each", "also what is asked for several times one by one").conflicts("watch"))
      .option("--watch", "the pending requests, then every change, until Ctrl-C")
      .option("--json", "a JSON array; with --watch one JSON object a line"),
  ).action(action(context, (options: RequestsOptions) => requests(context.terminal, options)));

async function requests(terminal: Terminal, options: RequestsOptions): Promise<ExitCode> {
  const [{ connectApprover }, { wireStates, stateName }, { summaryJson }, { shownOnce }] = await Promise.all([
    import("../approver.ts"),
    import("../request-state.ts"),
    import("../request-json.ts"),
    import("../alike.ts"),
  ]);
  using client = await connectApprover(terminal, options, options.watch ? "watch" : "command");
  const row = (summary: RequestSummary): Row => requestRow(terminal, summary, stateName(summary.state));
  if (options.watch)
    return await watch(
      terminal,
      client,
      options.json
        ? (one) => JSON.stringify(summaryJson(one))
        : (one) => rowLine(terminal, watchWidths(width(terminal.stdout)), row(one)),
    );
  const states = options.all ? [] : (options.state ?? ["pending"]).map((name) => wireStates[name]);
  const found = await client.list(states);
  if (options.json) {
    line(terminal.stdout, JSON.stringify(found.map(summaryJson), null, 2));
    return exitCodes.ok;
  }
  const shown = options.each ? found.map((one) => ({ shown: one, count: 1 })) : shownOnce(found);
  if (found.length === 0) {
    line(
      terminal.stderr,
      options.all ? "There are no requests yet." : `No requests are ${(options.state ?? ["pending"]).join(" or ")}.`,
    );
  } else {
    const rows = shown.map(({ shown: one, count }) => requestRow(terminal, one, stateName(one.state), count));
    const widths = columnWidths(
      columns,
      rows.map(({ cells }) => cells),
      width(terminal.stdout),
    );
    const titles = columns.map(({ title }) => title);
    line(terminal.stdout, paint(terminal.stdout, "bold", tableLine(columns, widths, titles)));
    for (const one of rows) line(terminal.stdout, rowLine(terminal, widths, one));
  }
  if (shown.length < found.length)
    line(terminal.stderr, "×N: the very same is asked for N times; each needs its own votes. --each lists them all.");
  await warnOfReviews(terminal, client);
  return exitCodes.ok;
}

/** Emergencies do not wait for approval any more, and so would not be in the list. */
async function warnOfReviews(terminal: Terminal, client: ApproverClient): Promise<void> {
  const open = await client.reviews(true);
  if (open.length === 0) return;
  const late = open.filter(({ dueMs }) => dueMs <= terminal.now()).length;
  const what = `EMERGENCY: ${countText(open.length, "request")} approved by one person alone to be reviewed`;
  const overdue = late === 0 ? "" : `, ${late} of them OVERDUE`;
  line(terminal.stderr, paint(terminal.stderr, ["red", "bold"], `${what}${overdue}: countersign reviews`));
}

const columns: readonly TableColumn[] = [
  { title: "REQUEST" },
  { title: "STATE" },
  { title: "WHEN" },
  { title: "RESOURCE", shrinks: true },
  { title: "ASKED BY", shrinks: true },
  { title: "OPERATION", shrinks: true },
];

/** While following, later rows are not known yet: fixed widths, and the last column takes what is left of the screen. */
function watchWidths(screen: number): readonly number[] {
  const fixed = [30, 9, 13, 16, 16];
  const used = fixed.reduce((sum, one) => sum + one + 2, 0);
  return [...fixed, Math.max(20, screen - used)];
}

interface Row {
  readonly state: StateName;
  readonly cells: readonly string[];
}

function requestRow(terminal: Terminal, summary: RequestSummary, state: StateName, count = 1): Row {
  const when =
    state === "pending"
      ? `${durationText(summary.expiresMs - terminal.now())} left`
      : `${durationText(terminal.now() - summary.changedMs)} ago`;
  const cells = [
    summary.id,
    state,
    when,
    visible(summary.resource),
    visible(summary.principal?.subject ?? ""),
    `${count > 1 ? `×${count} ` : ""}${markOf(terminal, summary)}${visible(summary.headline)}`,
  ];
  return { state, cells };
}

function markOf(terminal: Terminal, { brokeGlass, reviewDueMs, reminded }: RequestSummary): string {
  if (reviewDueMs !== undefined && reviewDueMs <= terminal.now()) return "EMERGENCY, REVIEW OVERDUE: ";
  if (brokeGlass) return reviewDueMs === undefined ? "emergency, reviewed: " : "EMERGENCY, TO BE REVIEWED: ";
  return reminded === undefined ? "" : "reminded: ";
}

function rowLine(terminal: Terminal, widths: readonly number[], { state, cells }: Row): string {
  // The id comes first, the state second: colouring the state's word cannot hit anything else before it.
  return tableLine(columns, widths, cells).replace(` ${state} `, ` ${paint(terminal.stdout, stateFormats[state], state)} `);
}

async function watch(terminal: Terminal, client: ApproverClient, text: (summary: RequestSummary) => string): Promise<ExitCode> {
  await interruptible(async (signal) => {
    for await (const summary of client.watch(signal)) line(terminal.stdout, text(summary));
  });
  return exitCodes.ok;
}
