import { describe, expect, it } from "vitest";
import type { Json } from "../canonical.ts";
import type { RecordDraft } from "../record.ts";
import { draft, filledStore, logKey } from "../testing/fixture.ts";
import { verifyLog } from "./verify-log.ts";

describe("a dispatch by a grant", () => {
  const digest = `sha256:${"a".repeat(64)}`;
  const action = `sha256:${"b".repeat(64)}`;
  const vote = draft("vote", "req_1", { detail: { accepted: true, verdict: "approve", grant: digest } });
  const of = (change: string, detail: Record<string, Json> = {}) =>
    draft("grant", "grant_1", { action, detail: { change, ...detail } });
  const made = of("made", { of: "req_1", digest, uses: 2, untilMs: 8.64e15 });
  const used = (use: number, call = `req_call${use}`) => of("used", { call, use, of: 2 });
  const ran = (use: number, call = `req_call${use}`) =>
    draft("intent", call, { action, detail: { effect: "grant", grant: "grant_1", use } });
  const approved = draft("state", "req_1", { detail: { from: "pending", to: "approved" } });

  it("is founded on its votes and on a use of its own", async () => {
    const { store, log } = await filledStore(2);
    const story = [vote, made, approved, used(1), ran(1), used(2), ran(2), of("revoked")];
    for (const one of story) await log.append("local", [one], "durable");
    expect((await verifyLog(store, logKey)).problems).toEqual([]);
  });

  it.each<[string, readonly RecordDraft[]]>([
    ["of which there is none", [ran(1)]],
    ["that nobody voted for", [made]],
    ["that another grant was voted for", [draft("vote", "req_1", { detail: { ...Object(vote.detail), grant: action } }), made]],
    ["that was voted on another request", [draft("vote", "req_2", { detail: vote.detail ?? {} }), made]],
    ["that was voted for in a request that ended otherwise", [vote, draft("state", "req_1", { detail: { to: "denied" } }), made]],
    ["without a use", [vote, made, ran(1)]],
    ["twice for one use", [vote, made, used(1), ran(1), ran(1)]],
    ["for a use of another call", [vote, made, used(1, "req_other"), ran(1)]],
    ["for a use of another number", [vote, made, used(1, "req_call2"), ran(2)]],
    ["for another action", [vote, made, used(1), { ...ran(1), action: digest }]],
    ["one time too often", [vote, made, used(1), used(2), used(3)]],
    ["whose uses are counted twice", [vote, made, used(1), used(1, "req_call9")]],
    ["after it was revoked", [vote, made, used(1), of("revoked"), used(2)]],
    ["after its time", [vote, of("made", { ...Object(made.detail), untilMs: 0 }), used(1)]],
    ["made twice", [vote, made, used(1), made]],
  ])("is found out when it is by a grant %s", async (_, story) => {
    const { store, log } = await filledStore(2);
    for (const one of story) await log.append("local", [one], "durable");
    expect((await verifyLog(store, logKey)).problems).toMatchObject([{ kind: "unfounded", index: story.length + 1 }]);
  });
});
