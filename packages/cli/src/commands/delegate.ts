import type { Delegation } from "@countersign/rpc";
import type { ApproverOptions } from "../approver.ts";
import { parseMoment } from "../moment.ts";
import { byPartOfId } from "../part-of-id.ts";
import { visible } from "../terminal/escape.ts";
import { printTable } from "../terminal/print-table.ts";
import { timeText } from "../terminal/quantity.ts";
import type { TableColumn } from "../terminal/table.ts";
import { line, type Terminal } from "../terminal/terminal.ts";
import { action, type CommandContext, describe, type MakeCommand, withApprover } from "./command.ts";

interface DelegateOptions extends ApproverOptions {
  readonly to: string;
  readonly until: string;
  readonly from?: string;
  readonly reason: string;
  readonly json?: true;
}

interface ListOptions extends ApproverOptions {
  readonly json?: true;
}

/** `countersign delegate` */
export const delegateCommand: MakeCommand = (context) =>
  withApprover(
    describe(
      "delegate",
      "let somebody vote for you for a time",
      "Gives your right to vote to another approver, for 30 days at most. You keep it; together you have one vote.\nWhat others gave you is not passed on.",
      [
        ["countersign delegate --to bob --until 2026-12-01 --reason 'On leave.'"],
        ["countersign delegate --to bob --from 2026-12-24 --until 2027-01-02"],
      ],
    )
      .requiredOption("--to <NAME>", "who is to vote for you")
      .requiredOption("--until <MOMENT>", "until when: 2026-12-01, 2026-12-01T18:00, or 8h, 7d from its beginning")
      .option("--from <MOMENT>", "from when (default: now)")
      .option("--reason <TEXT>", "why; recorded", "")
      .option("--json", "print the delegation, as JSON"),
  ).action(action(context, (options: DelegateOptions) => delegate(context.terminal, options)));

/** `countersign delegations` */
export const delegationsCommand: MakeCommand = (context) =>
  describe("delegations", "list and end delegations", "Who votes for whom, now or soon.")
    .addCommand(listCommand(context), { isDefault: true })
    .addCommand(endCommand(context));

function listCommand(context: CommandContext) {
  return withApprover(
    describe("list", "list the delegations in force, and those to come", "Lists everybody's delegations, newest first.", [
      ["countersign delegations"],
    ]).option("--json", "as a JSON array"),
  ).action(action(context, (options: ListOptions) => list(context.terminal, options)));
}

function endCommand(context: CommandContext) {
  return withApprover(
    describe("end <DELEGATION>", "end a delegation early", "Ends a delegation: your own, or one to you.", [
      ["countersign delegations end delegation_01k2f8"],
    ]).option("--json", "print the delegation, as JSON"),
  ).action(action(context, (id: string, options: ListOptions) => end(context.terminal, id, options)));
}

async function delegate(terminal: Terminal, options: DelegateOptions): Promise<void> {
  const fromMs = options.from === undefined ? 0 : parseMoment("--from", options.from, terminal.now());
  const untilMs = parseMoment("--until", options.until, fromMs || terminal.now());
  const { connectApprover } = await import("../approver.ts");
  using client = await connectApprover(terminal, options);
  const made = await client.delegate({ to: options.to, fromMs, untilMs, reason: options.reason });
  print(terminal, made, options, (one) => `${sentence(one)} The delegation is ${one.id}.`);
}

async function list(terminal: Terminal, options: ListOptions): Promise<void> {
  const { connectApprover } = await import("../approver.ts");
  using client = await connectApprover(terminal, options);
  const found = await client.delegations();
  if (options.json) return line(terminal.stdout, JSON.stringify(found, null, 2));
  if (found.length === 0) return line(terminal.stderr, "Nobody votes for anybody else.");
  printTable(terminal.stdout, columns, found.map(cells));
}

async function end(terminal: Terminal, part: string, options: ListOptions): Promise<void> {
  const { connectApprover } = await import("../approver.ts");
  using client = await connectApprover(terminal, options);
  const { id } = byPartOfId(await client.delegations(), part, "delegation", "countersign delegations");
  print(
    terminal,
    await client.endDelegation(id),
    options,
    ({ from, to }) => `${visible(to)} no longer votes for ${visible(from)}.`,
  );
}

const columns: readonly TableColumn[] = [
  { title: "DELEGATION" },
  { title: "WHOSE RIGHT", shrinks: true },
  { title: "WHO HAS IT", shrinks: true },
  { title: "FROM" },
  { title: "UNTIL" },
  { title: "REASON", shrinks: true },
];

function cells({ id, from, to, fromMs, untilMs, reason }: Delegation): readonly string[] {
  return [id, visible(from), visible(to), timeText(fromMs), timeText(untilMs), visible(reason)];
}

function sentence({ from, to, fromMs, untilMs }: Delegation): string {
  return `${visible(to)} votes for ${visible(from)} from ${timeText(fromMs)} until ${timeText(untilMs)}.`;
}

function print(terminal: Terminal, one: Delegation, { json }: ListOptions, text: (one: Delegation) => string): void {
  line(terminal.stdout, json ? JSON.stringify(one, null, 2) : text(one));
}
