import { describe, expect, it } from "vitest";
import type { RecordDraft } from "../record.ts";
import { draft, filledStore, logKey } from "../testing/fixture.ts";
import { verifyLog } from "./verify-log.ts";

const started = (id = "req_s") => draft("session.started", id);
const part = (number: number, id = "req_s") => draft("session.part", id, { detail: { part: number } });
const ended = (parts: number, id = "req_s") => draft("session.ended", id, { detail: { reason: "exited", parts } });

async function told(story: readonly RecordDraft[]) {
  const { store, log } = await filledStore(2);
  for (const one of story) await log.append("local", [one], "durable");
  return verifyLog(store, logKey);
}

describe("a recorded session", () => {
  it.each<[string, readonly RecordDraft[]]>([
    ["in which nothing happened", [started(), ended(0)]],
    ["beside another", [started(), started("req_o"), part(1), part(1, "req_o"), part(2), ended(1, "req_o"), ended(2)]],
    ["again after its end", [started(), ended(0), started(), part(1), ended(1)]],
  ])("%s is a story that can be true", async (_, story) => {
    expect(await told(story)).toMatchObject({ problems: [], open: [] });
  });

  it("without an end is open", async () => {
    expect(await told([started(), part(1)])).toMatchObject({
      problems: [],
      open: [{ request: "req_s", index: 2, why: "session" }],
    });
  });

  it.each<[string, readonly RecordDraft[], string]>([
    ["of which a part is missing", [started(), part(1), part(3), ended(3)], "part 2"],
    ["whose first part is missing", [started(), part(2), ended(2)], "part 1"],
    ["whose parts came twice", [started(), part(1), part(1), ended(1)], "part 2"],
    ["whose last part is missing", [started(), part(1), ended(2)], "says otherwise"],
    ["that goes on after its end", [started(), ended(0), part(1)], "ended before"],
    ["that ends twice", [started(), ended(0), ended(0)], "ended before"],
    ["that never began", [part(1)], "has not begun"],
    ["that begins twice", [started(), started(), ended(0)], "second time"],
    ["without an id", [{ ...started(), request: undefined } as unknown as RecordDraft], "no id"],
  ])("%s is found out", async (_, story, words) => {
    const { problems } = await told(story);
    expect(problems.map(({ kind, message }) => `${kind}: ${message}`)).toContainEqual(
      expect.stringMatching(new RegExp(`unfounded: .*${words}`)),
    );
  });
});
