import { join } from "node:path";
import Database from "better-sqlite3";
import { describe, expect, onTestFinished, test } from "vitest";
import { openMemoryStores } from "../../fixtures/memory-stores.ts";
import { temporaryFolder } from "../../fixtures/plane.ts";
import { openKeys } from "../keys.ts";
import { openSqliteStores } from "./sqlite/stores.ts";
import type { Standing } from "./standing-store.ts";
import type { Stores } from "./stores.ts";

/** Every store has to pass. A new one is a row here. */
const stores: { name: string; open: (folder: string) => Promise<Stores> }[] = [
  { name: "SQLite", open: (folder) => openSqliteStores(join(folder, "control.db"), openKeys(folder).payload) },
  // What the model check explores must do what the product's stores do.
  { name: "memory, for the model check", open: openMemoryStores },
];

const grant = (id: string, more: Partial<Standing> = {}): Omit<Standing, "revision"> => ({
  ...{ id, kind: "grant", name: "agent", active: true, createdMs: 1000, untilMs: 9000, body: { usesLeft: 3 } },
  ...more,
});

describe.each(stores)("standing things on $name", ({ open }) => {
  async function opened(folder = temporaryFolder()) {
    const whole = await open(folder);
    const close = () => whole[Symbol.asyncDispose]();
    onTestFinished(close);
    return { store: whole.standing, folder, close };
  }

  test("come back as they were put in, also by another process", async () => {
    const { store, folder, close } = await opened();
    expect(await store.insert(grant("grant_1"))).toBe("inserted");
    const { untilMs: _, ...endless } = grant("lock_1", { kind: "lock", body: { by: "ann" } });
    expect(await store.insert(endless)).toBe("inserted");
    await close();
    const again = await opened(folder);
    expect(await again.store.get("grant_1")).toEqual({ ...grant("grant_1"), revision: 1 });
    expect(await again.store.get("lock_1")).toEqual({ ...endless, revision: 1 });
    expect(await again.store.get("lock_2")).toBeUndefined();
  });

  test("an id is taken once", async () => {
    const { store } = await opened();
    expect(await store.insert(grant("grant_1"))).toBe("inserted");
    expect(await store.insert(grant("grant_1", { body: { usesLeft: 9 } }))).toBe("taken");
    expect(await store.get("grant_1")).toMatchObject({ body: { usesLeft: 3 } });
  });

  test("one of many changes that were decided on the same revision is made", async () => {
    const { store } = await opened();
    await store.insert(grant("grant_1"));
    const changes = Array.from({ length: 100 }, (_, index) =>
      store.change("grant_1", 1, { active: true, body: { usesLeft: index } }),
    );
    expect((await Promise.all(changes)).filter(Boolean)).toHaveLength(1);
    expect(await store.change("grant_1", 2, { active: false, body: { usesLeft: 0 } })).toBe(true);
    expect(await store.change("grant_1", 2, { active: true, body: { usesLeft: 3 } })).toBe(false);
    expect(await store.change("grant_0", 1, { active: true, body: {} })).toBe(false);
    expect(await store.get("grant_1")).toMatchObject({ active: false, revision: 3, body: { usesLeft: 0 } });
  });

  test("are found by kind, name and whether they are in force, newest first, page by page", async () => {
    const { store } = await opened();
    for (let index = 0; index < 25; index++) await store.insert(grant(`grant_${index + 10}`, { createdMs: 1000 + (index % 5) }));
    await store.insert(grant("grant_other", { name: "other" }));
    await store.insert(grant("lock_1", { kind: "lock" }));
    await store.change("grant_10", 1, { active: false, body: {} });
    const seen: Standing[] = [];
    for (;;) {
      const last = seen.at(-1);
      const after = last && { createdMs: last.createdMs, id: last.id };
      const page = await store.list({ kind: "grant", name: "agent", active: true, ...(after && { after }) }, 7);
      seen.push(...page);
      if (page.length < 7) break;
    }
    expect(new Set(seen.map(({ id }) => id)).size).toBe(24);
    expect(seen.map(({ createdMs }) => createdMs)).toEqual(seen.map(({ createdMs }) => createdMs).toSorted((a, b) => b - a));
    expect(await store.list({ kind: "grant" }, 100)).toHaveLength(26);
    expect(await store.list({ kind: "grant", active: false }, 100)).toMatchObject([{ id: "grant_10" }]);
  });
});

test.each(["active = 1", "until_ms = 9e15", "revision = 1", "name = 'x'", "kind = 'lock'"])(
  "ap-revoke: a column that is changed from outside (%s) brings nothing back",
  async (set) => {
    const folder = temporaryFolder();
    const { payload } = openKeys(folder);
    const before = await openSqliteStores(join(folder, "control.db"), payload);
    await before.standing.insert(grant("grant_1"));
    await before.standing.change("grant_1", 1, { active: false, body: { usesLeft: 0 } });
    await before[Symbol.asyncDispose]();
    const db = new Database(join(folder, "control.db"));
    expect(db.prepare(`update standing set ${set}`).run().changes).toBe(1);
    db.close();
    await using after = await openSqliteStores(join(folder, "control.db"), payload);
    expect(await after.standing.get("grant_1")).toMatchObject({ active: false, untilMs: 9000, revision: 2, kind: "grant" });
  },
);

test("what was moved to another id, or changed, is not opened", async () => {
  const folder = temporaryFolder();
  const { payload } = openKeys(folder);
  const before = await openSqliteStores(join(folder, "control.db"), payload);
  await before.standing.insert(grant("grant_1"));
  await before.standing.insert(grant("grant_2"));
  await before[Symbol.asyncDispose]();
  const db = new Database(join(folder, "control.db"));
  db.prepare("update standing set body = (select body from standing where id = 'grant_1') where id = 'grant_2'").run();
  db.close();
  await using after = await openSqliteStores(join(folder, "control.db"), payload);
  await expect(after.standing.get("grant_2")).rejects.toMatchObject({ code: "internal" });
  expect(await after.standing.get("grant_1")).toBeDefined();
});
