import type { RecordDraft } from "@countersign/audit";
import { expect, test } from "vitest";
import { Persistence } from "../persist.ts";
import { endUnfinished } from "./unfinished.ts";

const record = (type: string, request: string, time = "2026-01-01T00:00:00.000Z") =>
  Buffer.from(JSON.stringify({ type, request, time, resource: "web-1", detail: { role: "operator" } }));

test("what a crash left open is ended once, with what is known of it; what is no session alone goes on to recovery", async () => {
  const records = new Map([
    [
      "req_a",
      [
        record("intent", "req_a"),
        record("session.started", "req_a"),
        record("session.part", "req_a", "2026-01-01T00:00:07.000Z"),
      ],
    ],
    ["ses_b", [record("session.started", "ses_b")]],
    ["req_c", [record("intent", "req_c"), record("session.started", "req_c"), record("session.ended", "req_c")]],
    ["req_d", [record("intent", "req_d")]],
  ]);
  const written: RecordDraft[] = [];
  await using persistence = new Persistence();
  const audit = {
    recordsOf: async (id: string) => records.get(id) ?? [],
    append: async (_writer: string, drafts: readonly RecordDraft[]) => {
      written.push(...drafts);
      return [];
    },
  };
  const open = [...records].map(([request, [first = Buffer.alloc(0)]]) => ({ request, record: first }));
  const left = await endUnfinished(open, { audit, writer: "w", persistence, now: () => 1 });
  expect(left.map(({ request }) => request)).toEqual(["req_a", "req_c", "req_d"]);
  expect(written).toMatchObject([
    { type: "session.ended", request: "req_a", resource: "web-1", detail: { reason: "unknown", parts: 1, durationMs: 7000 } },
    { type: "session.ended", request: "ses_b", detail: { reason: "unknown", parts: 0 } },
  ]);
});
