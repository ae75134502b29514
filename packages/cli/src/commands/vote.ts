import type { GrantTerms, RequestDetail } from "@countersign/rpc";
import { type Command, Option } from "commander";
import type { ApproverOptions } from "../approver.ts";
import type { ApproverClient } from "../approver-client.ts";
import { CliError, type ExitCode, exitCodes } from "../exit.ts";
import type { StateName } from "../state-name.ts";
import { visible } from "../terminal/escape.ts";
import { confirm } from "../terminal/prompt.ts";
import { timeText } from "../terminal/quantity.ts";
import { line, paint, type Terminal } from "../terminal/terminal.ts";
import { action, type CommandContext, collect, describe, type MakeCommand, withApprover } from "./command.ts";

type VerdictName = "approve" | "deny";

interface VoteOptions extends ApproverOptions {
  readonly message: string;
  readonly comment?: string;
  readonly breakGlass?: true;
  readonly yes?: true;
  readonly json?: true;
  readonly strike?: string;
  readonly grant?: string;
  readonly bound?: readonly string[];
}

/** `countersign approve` */
export const approveCommand: MakeCommand = (context) =>
  voteCommand(
    context,
    "approve",
    describe(
      "approve <ID>",
      "approve a request",
      "Shows the whole operation, asks, and casts your vote over exactly what was shown.\nThe beginning or the end of an ID is enough.",
      [
        ["countersign approve req_01k2f8"],
        ["countersign approve req_01k2f8 --as alice --yes -m 'Checked with the owner.'"],
        ["countersign approve req_01k2f8 --break-glass -m 'The site is down.'", "alone, in an emergency"],
        ["countersign approve req_01k2f8 --strike 2,5", "a plan without two of its lines"],
        [
          "countersign approve req_01k2f8 --grant uses=20,ttl=8h --bound '$1=range:1..1000' --bound 'constant 1=any'",
          "and let the same run 20 times more within eight hours, with these values, without asking",
        ],
      ],
    )
      .option("--break-glass", "alone, in an emergency, where the rules name you for it; needs -m, and is reviewed afterwards")
      .option("--strike <LINES>", "lines of a plan that are not to run, e.g. 2,5")
      .option("--grant <TERMS>", "let it stand, where the rules permit it: uses=20,ttl=8h")
      .option(
        "--bound <BOUND>",
        "what a value may be instead, e.g. '$1=range:1..1000', 'one_of:a,b', 'prefix:dup-', 'any' (repeatable)",
        collect,
      ),
  );

/** `countersign deny` */
export const denyCommand: MakeCommand = (context) =>
  voteCommand(
    context,
    "deny",
    describe(
      "deny <ID>",
      "deny a request",
      "Denies a request: it will not run. One denial is enough.\nThe beginning or the end of an ID is enough.",
      [["countersign deny req_01k2f8 -m 'Use the archive job instead.'"]],
    ),
  );

function voteCommand(context: CommandContext, verdict: VerdictName, command: Command): Command {
  return withApprover(
    command
      .option("-m, --message <TEXT>", "a comment, for the agent and for the record", "")
      .addOption(new Option("--comment <TEXT>", "the same as --message").hideHelp().conflicts("message"))
      .option("-y, --yes", "do not ask")
      .option("--json", "print the request after the vote, as JSON"),
  ).action(action(context, (id: string, options: VoteOptions) => vote(context.terminal, verdict, id, options)));
}

async function vote(terminal: Terminal, verdict: VerdictName, id: string, options: VoteOptions): Promise<ExitCode> {
  const [{ connectApprover }, { Verdict }, { detailJson }] = await Promise.all([
    import("../approver.ts"),
    import("@countersign/rpc"),
    import("../request-json.ts"),
  ]);
  const grant = await grantOf(options);
  const struck = await struckBy(options);
  using client = await connectApprover(terminal, options);
  const shown = await client.find(id);
  await review(terminal, verdict, shown, options, { grant, struck });
  const { message, comment = message, breakGlass = false } = options;
  const after = await client.vote(shown, verdict === "approve" ? Verdict.APPROVE : Verdict.DENY, comment, {
    grant,
    breakGlass,
    struck,
  });
  if (options.json) line(terminal.stdout, JSON.stringify(detailJson(after), null, 2));
  else await report(terminal, verdict, after);
  if (grant !== undefined && !options.json) await reportGrant(terminal, client, after);
  return exitCodes.ok;
}

/** From 0, as the wire counts. */
async function struckBy({ strike }: VoteOptions): Promise<number[]> {
  const lines = strike === undefined ? [] : (await import("../plan-text.ts")).lineNumbers(strike);
  if (lines === undefined) throw new CliError(exitCodes.usage, "--strike names lines by their numbers, e.g. 2,5.");
  return [...lines];
}

async function grantOf({ grant, bound = [] }: VoteOptions): Promise<GrantTerms | undefined> {
  if (grant === undefined && bound.length > 0) throw new CliError(exitCodes.usage, "--bound goes with --grant: there is none.");
  return grant === undefined ? undefined : (await import("../grant-terms.ts")).parseGrant(grant, bound);
}

async function reportGrant(terminal: Terminal, client: ApproverClient, { summary }: RequestDetail): Promise<void> {
  const made = (await client.grants(false)).find(({ requestId }) => requestId === summary?.id);
  line(
    terminal.stdout,
    made === undefined
      ? "The grant is not in force: everybody who is needed has to agree to the very same."
      : `The grant ${made.id} is in force. \`countersign grants\` lists it.`,
  );
}

/** Shows the operation and asks. A vote that nobody confirmed needs `--yes`. */
async function review(
  terminal: Terminal,
  verdict: VerdictName,
  detail: RequestDetail,
  options: VoteOptions,
  { grant, struck }: { readonly grant: GrantTerms | undefined; readonly struck: readonly number[] },
): Promise<void> {
  const [{ requestText }, { termsText }] = await Promise.all([import("../request-text.ts"), import("../grant-text.ts")]);
  // With --json, standard output holds JSON only; and also with --yes, what cannot be shown cannot be approved.
  const text = requestText(options.json ? { ...terminal, stdout: terminal.stderr } : terminal, detail);
  const standing = grant === undefined ? [] : ["", "With a grant", ...termsText(grant).map((one) => `  ${one}`)];
  const without = struck.map((one) => one + 1).join(", ");
  if (!options.json || !options.yes)
    for (const one of [...text, ...standing, ""]) line(options.json ? terminal.stderr : terminal.stdout, one);
  if (options.breakGlass ? !detail.mayBreakGlass : detail.summary?.canVote === false) {
    throw new CliError(
      exitCodes.failure,
      options.breakGlass
        ? "You cannot approve this alone: no rule that holds it names you for emergencies, or it is too late."
        : `You cannot vote on this request: ${visible(detail.cannotVoteReason) || "you are not asked"}`,
    );
  }
  if (options.breakGlass && (options.comment ?? options.message).trim() === "")
    throw new CliError(exitCodes.usage, "Say what the emergency is with -m: whoever reviews it has to understand.");
  if (options.yes) return;
  if (terminal.stdin.isTTY !== true)
    throw new CliError(exitCodes.usage, "There is no terminal to ask on. Add --yes to vote without being asked.");
  const exactly = without === "" ? "Approve exactly this?" : `Approve this without line ${without}?`;
  const approving = grant === undefined ? exactly : "Approve this, and the grant?";
  const alone = "EMERGENCY: approve this alone? Everybody is told, and somebody else has to review it.";
  const question = verdict === "deny" ? "Deny this?" : options.breakGlass ? alone : approving;
  if (!(await confirm(terminal, paint(terminal.stderr, "bold", question))))
    throw new CliError(exitCodes.failure, "Not confirmed; no vote was cast.");
}

/** What follows from a vote, by the request's state after it. */
const consequences: Readonly<Partial<Record<StateName, string>>> = {
  pending: "More approvals are needed:",
  approved: "It runs now.",
  executing: "It runs now.",
  succeeded: "It has run.",
  failed: "It has run, and failed.",
  denied: "It will not run.",
};

async function report(terminal: Terminal, verdict: VerdictName, { summary, requirements }: RequestDetail): Promise<void> {
  const [{ stateName }, { requirementText }] = await Promise.all([import("../request-state.ts"), import("../request-text.ts")]);
  const state = summary === undefined ? "unknown" : stateName(summary.state);
  const { stdout } = terminal;
  const done = verdict === "approve" ? paint(stdout, "green", "Approved") : paint(stdout, "red", "Denied");
  line(stdout, `${done} ${summary?.id ?? ""}. ${consequences[state] ?? `It is ${state}.`}`);
  if (summary?.reviewDueMs !== undefined)
    line(
      stdout,
      paint(stdout, ["red", "bold"], `EMERGENCY: somebody else has to review it by ${timeText(summary.reviewDueMs)}.`),
    );
  if (state !== "pending") return;
  for (const one of requirements) if (!one.satisfied) line(stdout, `  ${requirementText(one)}`);
}
