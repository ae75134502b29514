import { describe, expect, it } from "vitest";
import type { Json } from "../canonical.ts";
import type { RecordDraft } from "../record.ts";
import { draft, filledStore, logKey } from "../testing/fixture.ts";
import { verifyLog } from "./verify-log.ts";

const none = { succeeded: 0, failed: 0, unknown: 0, unsent: 0, running: 0 };

function shared(detail: { [key: string]: Json }, request = "req_shared"): RecordDraft {
  return draft("statements", request, { detail: { part: 1, effect: "allow", ...none, ...detail } });
}

const first = shared({ count: 3, succeeded: 1, running: 2 });
const second = shared({ part: 2, count: 2, succeeded: 1, unknown: 1 });
const unreadable: RecordDraft = { type: "statements", timeMs: 0, detail: { recovered: true, unreadable: 12 } };

describe("a record that allowed operations share", () => {
  it.each<[string, readonly RecordDraft[]]>([
    ["in one part", [shared({ count: 5, succeeded: 2, failed: 1, unknown: 1, unsent: 1 })]],
    ["in two parts", [first, shared({ count: 1, succeeded: 1 }, "req_other"), second]],
    ["of which a crash left nothing to read", [unreadable]],
  ])("%s is a story that can be true", async (_, story) => {
    const { store, log } = await filledStore(2);
    for (const one of story) await log.append("local", [one], "durable");
    expect(await verifyLog(store, logKey)).toMatchObject({ problems: [], open: [] });
  });

  it("without its second part is open", async () => {
    const { store, log } = await filledStore(2);
    await log.append("local", [first], "durable");
    expect(await verifyLog(store, logKey)).toMatchObject({ problems: [], open: [{ request: "req_shared", index: 2 }] });
  });

  it.each<[string, readonly RecordDraft[], string]>([
    ["that holds what was reviewed", [shared({ effect: "review", count: 1, succeeded: 1 })], "did not allow"],
    ["whose counts do not add up", [shared({ count: 2, succeeded: 1 })], "do not add up"],
    ["whose counts are no counts", [shared({ count: 1, succeeded: -1, failed: 2 })], "do not add up"],
    ["of nothing", [shared({ count: 0 })], "do not add up"],
    ["that was recorded twice", [first, first], "recorded twice"],
    ["whose second part came twice", [first, second, second], "not said to run"],
    ["whose second part has no first", [second], "not said to run"],
    ["whose second part is of more", [first, shared({ part: 2, count: 3, succeeded: 3 })], "not said to run"],
    ["whose second part has not ended", [first, shared({ part: 2, count: 2, running: 2 })], "not said to run"],
    ["that has no id", [{ ...unreadable, detail: { part: 1, effect: "allow", ...none, count: 1, succeeded: 1 } }], "no id"],
  ])("%s is found out", async (_, story, message) => {
    const { store, log } = await filledStore(2);
    for (const one of story) await log.append("local", [one], "durable");
    const { problems } = await verifyLog(store, logKey);
    expect(problems).toMatchObject([{ kind: "unfounded", message: expect.stringContaining(message) }]);
  });
});
