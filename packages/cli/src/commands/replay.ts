import type { RecordedSession } from "@countersign/rpc";
import type { ApproverOptions } from "../approver.ts";
import type { ApproverClient } from "../approver-client.ts";
import { CliError, exitCodes } from "../exit.ts";
import { byPartOfId } from "../part-of-id.ts";
import { interruptible } from "../terminal/interrupt.ts";
import { line, type Terminal } from "../terminal/terminal.ts";
import { action, describe, type MakeCommand, withApprover } from "./command.ts";

interface ReplayOptions extends ApproverOptions {
  readonly output?: string;
  readonly speed?: number;
}

/** `countersign replay` */
export const replayCommand: MakeCommand = (context) =>
  withApprover(
    describe(
      "replay <ID>",
      "show what happened in a recorded session",
      "Shows a recording as it happened; pauses are no longer than two seconds. Only what draws is shown: escapes in it cannot act on your terminal.\nThe beginning or the end of an ID is enough.",
      [
        ["countersign replay req_01k2f8 --speed 4"],
        ["countersign replay req_01k2f8 --output session.cast", "asciicast v2, as it was recorded, for other players"],
      ],
    )
      .option("--output <FILE>", "write the recording to a new file instead, after its hash was checked")
      .option("--speed <N>", "so many times as fast", speed, 1),
  ).action(action(context, (id: string, options: ReplayOptions) => replay(context.terminal, id, options)));

/** `countersign watch` */
export const watchCommand: MakeCommand = (context) =>
  withApprover(
    describe(
      "watch <ID>",
      "follow a session while it goes on",
      "Shows what has happened in a session so far, and follows it until it ends, or Ctrl-C. What is typed here goes nowhere.\nTo cut it: `countersign revoke ID`.",
      [["countersign watch req_01k2f8"]],
    ),
  ).action(action(context, (id: string, options: ApproverOptions) => watch(context.terminal, id, options)));

async function replay(terminal: Terminal, part: string, { output, speed: times = 1, ...options }: ReplayOptions): Promise<void> {
  const { connectApprover } = await import("../approver.ts");
  using client = await connectApprover(terminal, options);
  const session = await find(client, part);
  if (output !== undefined) return await save(terminal, client, session, output);
  const { show } = await import("../recording-screen.ts");
  await interruptible((signal) => show(terminal, client.recording(session.id, { follow: false, signal }), { times, signal }));
}

async function watch(terminal: Terminal, part: string, options: ApproverOptions): Promise<void> {
  const { connectApprover } = await import("../approver.ts");
  using client = await connectApprover(terminal, options, "watch");
  const session = await find(client, part);
  const { show } = await import("../recording-screen.ts");
  await interruptible(async (signal) => {
    await show(terminal, client.recording(session.id, { follow: true, signal }), { times: Number.POSITIVE_INFINITY, signal });
  });
}

async function save(terminal: Terminal, client: ApproverClient, session: RecordedSession, file: string): Promise<void> {
  const { saveRecording } = await import("../recording-file.ts");
  const { signal } = new AbortController();
  line(terminal.stderr, await saveRecording(client.recording(session.id, { follow: false, signal }), file));
}

async function find(client: ApproverClient, part: string): Promise<RecordedSession> {
  return byPartOfId(await client.sessions(), part, "req", "countersign sessions");
}

function speed(text: string): number {
  const times = Number(text);
  if (Number.isFinite(times) && times > 0 && times <= 1000) return times;
  throw new CliError(exitCodes.usage, "The speed is a number above 0, at most 1000.");
}
