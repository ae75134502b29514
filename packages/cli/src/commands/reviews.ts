import type { EmergencyReview } from "@countersign/rpc";
import type { ApproverOptions } from "../approver.ts";
import { byPartOfId } from "../part-of-id.ts";
import { visible } from "../terminal/escape.ts";
import { printTable } from "../terminal/print-table.ts";
import { durationText } from "../terminal/quantity.ts";
import type { TableColumn } from "../terminal/table.ts";
import { line, paint, type Terminal } from "../terminal/terminal.ts";
import { action, type CommandContext, describe, type MakeCommand, withApprover } from "./command.ts";

interface ReviewOptions extends ApproverOptions {
  readonly all?: true;
  readonly json?: true;
  readonly finding?: string;
}

/** `countersign reviews` */
export const reviewsCommand: MakeCommand = (context) =>
  describe(
    "reviews",
    "list and close the reviews that emergencies require",
    "Whatever somebody approved alone, with `countersign approve ID --break-glass`, another person has to look at.",
  )
    .addCommand(listCommand(context), { isDefault: true })
    .addCommand(closeCommand(context));

function listCommand(context: CommandContext) {
  return withApprover(
    describe("list", "list the reviews that are due", "Lists open reviews, the one that is due first before others.", [
      ["countersign reviews"],
      ["countersign reviews --all --json"],
    ])
      .option("--all", "those as well that are closed")
      .option("--json", "as a JSON array"),
  ).action(action(context, (options: ReviewOptions) => list(context.terminal, options)));
}

function closeCommand(context: CommandContext) {
  return withApprover(
    describe(
      "close <REVIEW>",
      "close a review",
      "Closes the review of a request. Neither whoever approved it alone nor whoever asked for it can.\nLook at it first: `countersign show ID`.",
      [["countersign reviews close req_01k2f8 --finding 'It was right: the disk was full.'"]],
    )
      .requiredOption("--finding <TEXT>", "what you found; recorded")
      .option("--json", "print the review, as JSON"),
  ).action(action(context, (id: string, options: ReviewOptions) => close(context.terminal, id, options)));
}

async function list(terminal: Terminal, options: ReviewOptions): Promise<void> {
  const { connectApprover } = await import("../approver.ts");
  using client = await connectApprover(terminal, options);
  const found = await client.reviews(options.all === undefined);
  if (options.json) return line(terminal.stdout, JSON.stringify(found, null, 2));
  if (found.length === 0)
    return line(terminal.stderr, options.all ? "There were no emergencies." : "No emergency waits for its review.");
  printTable(
    terminal.stdout,
    columns,
    found.map((one) => cells(terminal, one)),
  );
  const late = found.filter((one) => isOverdue(terminal, one)).length;
  if (late > 0)
    line(terminal.stderr, paint(terminal.stderr, ["red", "bold"], `OVERDUE: ${late} of them should be closed by now.`));
}

async function close(terminal: Terminal, part: string, options: ReviewOptions): Promise<void> {
  const { connectApprover } = await import("../approver.ts");
  using client = await connectApprover(terminal, options);
  const all = (await client.reviews(false)).map((one) => ({ ...one, id: one.requestId }));
  const { id } = byPartOfId(all, part, "req", "countersign reviews");
  const closed = await client.closeReview(id, options.finding ?? "");
  line(terminal.stdout, options.json ? JSON.stringify(closed, null, 2) : `The review of ${id} is closed.`);
}

const columns: readonly TableColumn[] = [
  { title: "REQUEST" },
  { title: "REVIEW" },
  { title: "APPROVED ALONE BY", shrinks: true },
  { title: "RESOURCE", shrinks: true },
  { title: "BECAUSE", shrinks: true },
  { title: "OPERATION", shrinks: true },
];

function cells(terminal: Terminal, one: EmergencyReview): readonly string[] {
  return [
    one.requestId,
    stateOf(terminal, one),
    visible(one.by),
    visible(one.resource),
    visible(one.reason),
    visible(one.headline),
  ];
}

function stateOf(terminal: Terminal, one: EmergencyReview): string {
  if (one.closedBy !== "") return `closed by ${visible(one.closedBy)}`;
  const left = one.dueMs - terminal.now();
  return left > 0 ? `due in ${durationText(left)}` : `OVERDUE by ${durationText(-left)}`;
}

function isOverdue(terminal: Terminal, { closedBy, dueMs }: EmergencyReview): boolean {
  return closedBy === "" && dueMs <= terminal.now();
}
