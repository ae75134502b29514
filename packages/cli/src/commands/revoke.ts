import type { RecordedSession } from "@countersign/rpc";
import type { ApproverOptions } from "../approver.ts";
import type { ApproverClient } from "../approver-client.ts";
import type { StateName } from "../state-name.ts";
import { line, type Terminal } from "../terminal/terminal.ts";
import { action, describe, type MakeCommand, withApprover } from "./command.ts";

interface RevokeOptions extends ApproverOptions {
  readonly reason: string;
  readonly json?: true;
}

/** `countersign revoke` */
export const revokeCommand: MakeCommand = (context) =>
  withApprover(
    describe(
      "revoke <ID>",
      "take back a request",
      "Takes back a request: one that waits ends, one that is approved does not run, one that runs is asked to stop, a recorded session that goes on is cut.\nThe beginning or the end of an ID is enough. For a standing approval: `countersign grants revoke`.",
      [["countersign revoke req_01k2f8 --reason 'The ticket was withdrawn.'"]],
    )
      .requiredOption("--reason <TEXT>", "why; the agent is told")
      .option("--json", "print the request, as JSON"),
  ).action(action(context, (id: string, options: RevokeOptions) => revoke(context.terminal, id, options)));

/** The session that goes on and is meant, where it is no request: of an action that waited for nobody. */
async function aloneSession(client: ApproverClient, part: string): Promise<RecordedSession | undefined> {
  const requests = await client.list([]);
  const isMeant = ({ id }: { readonly id: string }) => id.startsWith(part) || id.startsWith(`req_${part}`) || id.endsWith(part);
  if (requests.some(isMeant)) return undefined;
  const [session, ...others] = (await client.sessions()).filter(({ end }) => end === undefined).filter(isMeant);
  return others.length === 0 ? session : undefined;
}

/** What follows, by the request's state after it. */
const consequences: Readonly<Partial<Record<StateName, string>>> = {
  cancelled: "It will not run.",
  revoked: "It will not run.",
  executing: "It was asked to stop; its outcome will say what truly happened.",
};

async function revoke(terminal: Terminal, part: string, options: RevokeOptions): Promise<void> {
  const [{ connectApprover }, { stateName }, { detailJson }] = await Promise.all([
    import("../approver.ts"),
    import("../request-state.ts"),
    import("../request-json.ts"),
  ]);
  using client = await connectApprover(terminal, options);
  const session = await aloneSession(client, part);
  if (session !== undefined) {
    const cut = await client.cutSession(session.id, options.reason);
    return line(terminal.stdout, options.json ? JSON.stringify(cut, null, 2) : `Cut ${session.id}. Its recording says so.`);
  }
  const id = await client.idOf(part);
  const after = await client.revoke(id, options.reason);
  const state = after.summary === undefined ? "unknown" : stateName(after.summary.state);
  const text = `Revoked ${id}. ${consequences[state] ?? `It is ${state}.`}`;
  line(terminal.stdout, options.json ? JSON.stringify(detailJson(after), null, 2) : text);
}
