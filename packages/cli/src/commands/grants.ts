import type { Grant } from "@countersign/rpc";
import type { ApproverOptions } from "../approver.ts";
import type { ApproverClient } from "../approver-client.ts";
import { CliError, exitCodes } from "../exit.ts";
import { grantState, grantText } from "../grant-text.ts";
import { visible } from "../terminal/escape.ts";
import { durationText } from "../terminal/quantity.ts";
import { columnWidths, type TableColumn, tableLine } from "../terminal/table.ts";
import { line, paint, type Terminal, width } from "../terminal/terminal.ts";
import { action, type CommandContext, describe, type MakeCommand, withApprover } from "./command.ts";

interface GrantOptions extends ApproverOptions {
  readonly all?: true;
  readonly json?: true;
  readonly reason?: string;
}

/** `countersign grants` */
export const grantsCommand: MakeCommand = (context) =>
  describe(
    "grants",
    "list, show and revoke standing approvals",
    "Standing approvals. They are made with `countersign approve ID --grant uses=20,ttl=8h`, where the rules permit it.",
  )
    .addCommand(listCommand(context), { isDefault: true })
    .addCommand(showCommand(context))
    .addCommand(revokeCommand(context));

function listCommand(context: CommandContext) {
  return withApprover(
    describe("list", "list the grants that can be used", "Lists grants, newest first: those that can still be used.", [
      ["countersign grants"],
      ["countersign grants --all --json | jq -r '.[].id'"],
    ])
      .option("--all", "those as well that have ended")
      .option("--json", "as a JSON array"),
  ).action(action(context, (options: GrantOptions) => list(context.terminal, options)));
}

function showCommand(context: CommandContext) {
  return withApprover(
    describe("show <GRANT>", "show a grant whole", "Shows a grant: for whom, for what, by whom, how often it was used.", [
      ["countersign grants show grant_01k2f8"],
    ]).option("--json", "as JSON"),
  ).action(
    action(context, async (id: string, options: GrantOptions) => {
      using client = await connected(context.terminal, options);
      await show(context.terminal, await find(client, id), options);
    }),
  );
}

function revokeCommand(context: CommandContext) {
  return withApprover(
    describe(
      "revoke <GRANT>",
      "take a grant back",
      "Takes a grant back: it is not used any more, and what runs by it is asked to stop.",
      [["countersign grants revoke grant_01k2f8 --reason 'The job has changed.'"]],
    )
      .requiredOption("--reason <TEXT>", "why; recorded")
      .option("--json", "print the grant, as JSON"),
  ).action(
    action(context, async (id: string, options: GrantOptions) => {
      using client = await connected(context.terminal, options);
      const { id: whole } = await find(client, id);
      await show(context.terminal, await client.revokeGrant(whole, options.reason ?? ""), options);
    }),
  );
}

async function connected(terminal: Terminal, options: GrantOptions): Promise<ApproverClient> {
  const { connectApprover } = await import("../approver.ts");
  return connectApprover(terminal, options);
}

async function list(terminal: Terminal, options: GrantOptions): Promise<void> {
  using client = await connected(terminal, options);
  const found = await client.grants(options.all === undefined);
  if (options.json) {
    const { grantJson } = await import("../grant-json.ts");
    return line(terminal.stdout, JSON.stringify(found.map(grantJson), null, 2));
  }
  if (found.length === 0) return line(terminal.stderr, options.all ? "There are no grants yet." : "No grant is in force.");
  const rows = found.map((grant) => row(terminal, grant));
  const widths = columnWidths(columns, rows, width(terminal.stdout));
  const titles = columns.map(({ title }) => title);
  line(terminal.stdout, paint(terminal.stdout, "bold", tableLine(columns, widths, titles)));
  for (const cells of rows) line(terminal.stdout, tableLine(columns, widths, cells));
}

const columns: readonly TableColumn[] = [
  { title: "GRANT" },
  { title: "STATE" },
  { title: "USES" },
  { title: "ENDS" },
  { title: "RESOURCE", shrinks: true },
  { title: "FOR", shrinks: true },
  { title: "OPERATION", shrinks: true },
];

function row(terminal: Terminal, grant: Grant): readonly string[] {
  const { id, used, terms, expiresMs, resource, principal, template } = grant;
  const left = expiresMs - terminal.now();
  return [
    id,
    grantState(grant),
    `${used}/${terms?.uses ?? 0}`,
    left > 0 ? `in ${durationText(left)}` : `${durationText(-left)} ago`,
    visible(resource),
    visible(principal?.subject ?? ""),
    visible(template.replaceAll(/\s+/g, " ")),
  ];
}

async function show(terminal: Terminal, grant: Grant, { json }: GrantOptions): Promise<void> {
  if (json) line(terminal.stdout, JSON.stringify((await import("../grant-json.ts")).grantJson(grant), null, 2));
  else for (const one of grantText(terminal, grant)) line(terminal.stdout, one);
}

/** The one grant whose id begins (with or without `grant_`) or ends so. */
async function find(client: ApproverClient, part: string): Promise<Grant> {
  const all = await client.grants(false);
  const exact = all.find(({ id }) => id === part);
  const matches = exact
    ? [exact]
    : all.filter(({ id }) => id.startsWith(part) || id.startsWith(`grant_${part}`) || id.endsWith(part));
  const [match, ...others] = matches;
  if (match === undefined)
    throw new CliError(exitCodes.failure, `There is no grant ${part}. \`countersign grants --all\` lists them.`);
  if (others.length > 0)
    throw new CliError(exitCodes.failure, `${part} could be one of ${matches.length} grants. Give more of the id.`);
  return match;
}
