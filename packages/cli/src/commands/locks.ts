import type { ActiveLock, LockTarget } from "@countersign/rpc";
import type { ApproverOptions } from "../approver.ts";
import { CliError, exitCodes } from "../exit.ts";
import { byPartOfId } from "../part-of-id.ts";
import { visible } from "../terminal/escape.ts";
import { printTable } from "../terminal/print-table.ts";
import { durationText } from "../terminal/quantity.ts";
import type { TableColumn } from "../terminal/table.ts";
import { line, type Terminal } from "../terminal/terminal.ts";
import { action, type CommandContext, describe, type MakeCommand, withApprover } from "./command.ts";

interface LockOptions extends ApproverOptions {
  readonly issuer: string;
  readonly reason: string;
  readonly json?: true;
}

/** What is locked, by what it is called on the command line. */
const kinds = {
  principal: [
    "lock everything that a caller asks for",
    "Nothing that this caller asks for runs any more; what waits ends, what runs is asked to stop.",
  ],
  approver: [
    "lock everything that a person approves",
    "This person's approvals cease to count, also those that somebody holds for them; what runs by them is asked to stop.",
  ],
  resource: ["lock a resource", "Nothing runs on this resource any more; what waits ends, what runs is asked to stop."],
} as const;
type Kind = keyof typeof kinds;

/** `countersign lock` */
export const lockCommand: MakeCommand = (context) => {
  const parent = describe(
    "lock",
    "lock a caller, an approver or a resource",
    "Stops everything of one caller, approver or resource at once, until the lock is lifted: `countersign unlock LOCK`.",
    [
      ["countersign lock principal report-agent --reason 'It went wild.'"],
      ["countersign lock resource orders-db --reason 'Maintenance.'"],
    ],
  );
  parent.addCommand(kindCommand(context, "principal", "NAME").option("--issuer <ISSUER>", "who vouches for its name", "unix"));
  parent.addCommand(kindCommand(context, "approver", "APPROVER"));
  parent.addCommand(kindCommand(context, "resource", "RESOURCE"));
  return parent;
};

function kindCommand(context: CommandContext, kind: Kind, argument: string) {
  const [summary, description] = kinds[kind];
  return withApprover(
    describe(`${kind} <${argument}>`, summary, description)
      .requiredOption("--reason <TEXT>", "why; recorded, and told to callers")
      .option("--json", "print the lock, as JSON"),
  ).action(action(context, (name: string, options: LockOptions) => lock(context.terminal, kind, name, options)));
}

/** `countersign locks` */
export const locksCommand: MakeCommand = (context) =>
  withApprover(
    describe("locks", "list the locks in force", "Lists the locks in force, newest first.", [["countersign locks"]]).option(
      "--json",
      "as a JSON array",
    ),
  ).action(action(context, (options: LockOptions) => list(context.terminal, options)));

/** `countersign unlock` */
export const unlockCommand: MakeCommand = (context) =>
  withApprover(
    describe("unlock <LOCK>", "lift a lock", "Lifts a lock. What was ended stays ended.", [
      ["countersign unlock lock_01k2f8 --reason 'It is mended.'"],
    ])
      .requiredOption("--reason <TEXT>", "why; recorded")
      .option("--json", "print the lock, as JSON"),
  ).action(action(context, (id: string, options: LockOptions) => unlock(context.terminal, id, options)));

async function lock(terminal: Terminal, kind: Kind, name: string, options: LockOptions): Promise<void> {
  const { connectApprover } = await import("../approver.ts");
  using client = await connectApprover(terminal, options);
  const made = await client.lock(targetOf(kind, name, options.issuer), options.reason);
  line(
    terminal.stdout,
    options.json ? JSON.stringify(json(made), null, 2) : `Locked: ${targetText(made)}. The lock is ${made.id}.`,
  );
}

async function list(terminal: Terminal, options: LockOptions): Promise<void> {
  const { connectApprover } = await import("../approver.ts");
  using client = await connectApprover(terminal, options);
  const found = await client.locks();
  if (options.json) return line(terminal.stdout, JSON.stringify(found.map(json), null, 2));
  if (found.length === 0) return line(terminal.stderr, "Nothing is locked.");
  const rows = found.map((one) => [
    one.id,
    targetText(one),
    visible(one.by),
    `${durationText(terminal.now() - one.createdMs)} ago`,
    visible(one.reason),
  ]);
  printTable(terminal.stdout, columns, rows);
}

async function unlock(terminal: Terminal, part: string, options: LockOptions): Promise<void> {
  const { connectApprover } = await import("../approver.ts");
  using client = await connectApprover(terminal, options);
  const { id } = byPartOfId(await client.locks(), part, "lock", "countersign locks");
  const lifted = await client.liftLock(id, options.reason);
  line(terminal.stdout, options.json ? JSON.stringify(json(lifted), null, 2) : `No longer locked: ${targetText(lifted)}.`);
}

const columns: readonly TableColumn[] = [
  { title: "LOCK" },
  { title: "WHAT", shrinks: true },
  { title: "BY", shrinks: true },
  { title: "SINCE" },
  { title: "REASON", shrinks: true },
];

function targetOf(kind: Kind, name: string, issuer: string): LockTarget {
  switch (kind) {
    case "principal":
      return { target: { $case: "principal", value: { issuer, subject: name } } };
    case "approver":
      return { target: { $case: "approver", value: name } };
    case "resource":
      return { target: { $case: "resource", value: name } };
  }
}

/** What is locked: its kind and its name, and of a caller who vouches for it. */
function parts({ target: locked }: ActiveLock): { readonly kind: Kind; readonly name: string; readonly issuer?: string } {
  const target = locked?.target;
  if (target === undefined) throw new CliError(exitCodes.failure, "This version of countersign does not know what is locked.");
  if (target.$case !== "principal") return { kind: target.$case, name: target.value };
  return { kind: target.$case, name: target.value.subject, issuer: target.value.issuer };
}

function targetText(one: ActiveLock): string {
  const { kind, name, issuer } = parts(one);
  return `${kind} ${visible(name)}${issuer === undefined ? "" : ` (by ${visible(issuer)})`}`;
}

function json(one: ActiveLock): Record<string, unknown> {
  const { id, by, reason, createdMs } = one;
  return { id, ...parts(one), by, reason, createdMs };
}
