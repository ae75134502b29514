import { join } from "node:path";
import type { Evidence, RequestState } from "@countersign/policy";
import { describe, expect, onTestFinished, test } from "vitest";
import { draft } from "../../fixtures/drafts.ts";
import { openMemoryStores } from "../../fixtures/memory-stores.ts";
import { temporaryFolder } from "../../fixtures/plane.ts";
import { openKeys } from "../keys.ts";
import { openSqliteStores } from "./sqlite/stores.ts";
import type { Stores } from "./stores.ts";

/** Every store has to pass. A new one is a row here. */
const stores: { name: string; open: (folder: string) => Promise<Stores> }[] = [
  { name: "SQLite", open: (folder) => openSqliteStores(join(folder, "control.db"), openKeys(folder).payload) },
  { name: "memory, for the model check", open: openMemoryStores },
];

const found: Evidence = { kind: "plan", timeMs: 1, plan: "Seq Scan on t", estimatedRows: 3, notes: [] };

describe.each(stores)("evidence and likeness on $name", ({ open }) => {
  async function opened() {
    const all = await open(temporaryFolder());
    onTestFinished(() => all[Symbol.asyncDispose]());
    return all;
  }

  async function insert({ requests }: Stores, timeMs: number, fingerprint?: string, resource = "orders-db") {
    const asked = draft({ nowMs: timeMs, resource, ...(fingerprint && { fingerprint }) });
    const opening = { draft: asked, headline: "", state: "pending", timeMs, by: "agent", wakeMs: 9e9 } as const;
    expect(await requests.insert(opening)).toBe("inserted");
    return asked.binding.requestId;
  }

  const end = ({ requests }: Stores, id: string, to: RequestState & "denied" = "denied") =>
    requests.change(id, {
      ...{ from: "pending", revision: 1, to, wakeMs: null, timeMs: 99, by: "alice" },
      outcome: { state: to, rows: 0, bytes: 0, durationMs: 0 },
    });

  test("evidence is there once, as it came first", async () => {
    const all = await opened();
    const id = await insert(all, 1);
    expect(await all.evidence.get(id)).toBeUndefined();
    expect(await all.evidence.insert(id, found)).toBe("inserted");
    expect(await all.evidence.insert(id, { ...found, plan: "another" })).toBe("taken");
    expect(await all.evidence.get(id)).toEqual(found);
  });

  test("the like are found: the same fingerprint and resource, ended, older, newest first", async () => {
    const all = await opened();
    const ids = [
      await insert(all, 10, "f1"),
      await insert(all, 20, "f1"),
      await insert(all, 30, "f1"),
      await insert(all, 40, "f1"),
    ];
    for (const id of [await insert(all, 15, "f2"), await insert(all, 16, "f1", "other"), await insert(all, 17)])
      await end(all, id);
    for (const id of [ids[0], ids[1], ids[3]]) await end(all, id ?? "");
    const like = { resource: "orders-db", fingerprint: "f1" };
    const list = async (createdMs: number, limit = 10) =>
      (await all.requests.list({ like, before: { createdMs, id: "" } }, limit)).map(({ binding }) => binding.requestId);
    expect(await list(100)).toEqual([ids[3], ids[1], ids[0]]);
    expect(await list(40)).toEqual([ids[1], ids[0]]);
    expect(await list(100, 1)).toEqual([ids[3]]);
    const [first] = await all.requests.list({ like, before: { createdMs: 100, id: "" } }, 1);
    expect(first?.fingerprint).toBe("f1");
  });
});
