import { describe, expect, it } from "vitest";
import type { Json } from "../canonical.ts";
import type { RecordDraft } from "../record.ts";
import { draft, filledStore, logKey } from "../testing/fixture.ts";
import { verifyLog } from "./verify-log.ts";

describe("a plan", () => {
  const of = (type: RecordDraft["type"], detail: { [key: string]: Json }) => draft(type, "req_plan", { detail });
  const opened = (effect = "review") => of("request", { effect, lines: [{}, {}, {}] });
  const vote = (struck: readonly number[] = []) => of("vote", { accepted: true, verdict: "approve", struck });
  const intent = (line: number) => of("intent", { effect: "plan", line });
  const outcome = (line: number, state = "succeeded") => of("outcome", { line, state });
  const ran = (line: number) => [intent(line), outcome(line)];
  const ended = of("state", { from: "executing", to: "succeeded" });

  it.each<[string, readonly RecordDraft[]]>([
    ["approved by a vote", [opened(), vote([1]), ...ran(0), ...ran(2), ended]],
    ["allowed by policy", [opened("allow"), ...ran(0), ...ran(1), ...ran(2), ended]],
    ["in which a doubt was cleared up", [opened("allow"), intent(0), outcome(0, "unknown"), outcome(0), ...ran(1)]],
  ])("%s is a story that can be true", async (_, story) => {
    const { store, log } = await filledStore(2);
    for (const one of story) await log.append("local", [one], "durable");
    expect((await verifyLog(store, logKey)).problems).toEqual([]);
  });

  it.each<[string, readonly RecordDraft[], string]>([
    ["never opened", [intent(0)], "no such plan is open"],
    ["that nobody approved", [opened(), intent(0)], "no approval is recorded"],
    ["whose struck line ran", [opened(), vote([1]), ...ran(0), intent(1)], "struck out"],
    ["whose line ran twice", [opened(), vote(), ...ran(0), intent(0)], "after line 1"],
    ["whose lines ran in another order", [opened(), vote(), ...ran(1), intent(0)], "after line 2"],
    [
      "that went on after a failure",
      [opened(), vote(), intent(0), outcome(0, "failed"), intent(1)],
      "before line 1 had succeeded",
    ],
    ["that went on in doubt", [opened(), vote(), intent(0), outcome(0, "unknown"), intent(1)], "before line 1 had succeeded"],
    ["that went on after its end", [opened(), vote(), ...ran(0), ended, intent(1)], "no such plan is open"],
    ["with a line that has no number", [opened(), vote(), of("intent", { effect: "plan" })], "without a number"],
  ])("%s is found out", async (_, story, message) => {
    const { store, log } = await filledStore(2);
    for (const one of story) await log.append("local", [one], "durable");
    expect((await verifyLog(store, logKey)).problems).toMatchObject([
      { kind: "unfounded", index: story.length + 1, message: expect.stringContaining(message) },
    ]);
  });
});
