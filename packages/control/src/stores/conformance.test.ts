import { join } from "node:path";
import { type Outcome, type RequestState, signVote, transitions, type Vote } from "@countersign/policy";
import { describe, expect, onTestFinished, test } from "vitest";
import { draft } from "../../fixtures/drafts.ts";
import { openMemoryStores } from "../../fixtures/memory-stores.ts";
import { alice, bob, temporaryFolder } from "../../fixtures/plane.ts";
import { openKeys } from "../keys.ts";
import { changedRequest } from "./changed-request.ts";
import { type Change, IllegalTransition, type Opening, type RequestStore } from "./request-store.ts";
import { openSqliteStores } from "./sqlite/stores.ts";
import type { Stores } from "./stores.ts";

/** Every store has to pass. A new one is a row here. */
const stores: { name: string; open: (folder: string) => Promise<Stores> }[] = [
  { name: "SQLite", open: (folder) => openSqliteStores(join(folder, "control.db"), openKeys(folder).payload) },
  // What the model check explores must do what the product's stores do.
  { name: "memory, for the model check", open: openMemoryStores },
];

const states = Object.keys(transitions) as RequestState[];
const timeMs = 1_000_000;
const outcome = (state: Outcome["state"]): Outcome => ({
  state,
  rows: 1,
  rowsAffected: 1,
  bytes: 2,
  durationMs: 3,
  commandTag: "DELETE 1",
});
const isOutcome = (state: RequestState): state is Outcome["state"] => !["pending", "approved", "executing"].includes(state);

/** A shortest way by the table from `pending` to each state. */
const ways: Record<RequestState, RequestState[]> = {
  pending: [],
  approved: ["approved"],
  executing: ["approved", "executing"],
  succeeded: ["approved", "executing", "succeeded"],
  failed: ["approved", "executing", "failed"],
  unknown: ["approved", "executing", "unknown"],
  denied: ["denied"],
  expired: ["expired"],
  cancelled: ["cancelled"],
  revoked: ["approved", "revoked"],
};

describe.each(stores)("a request store on $name", ({ open }) => {
  async function opened(folder = temporaryFolder()) {
    const stores = await open(folder);
    const close = () => stores[Symbol.asyncDispose]();
    onTestFinished(close);
    return { store: stores.requests, folder, close };
  }

  function opening(options: Partial<Parameters<typeof draft>[0]> & { timeMs?: number } = {}): Opening {
    const at = options.timeMs ?? timeMs;
    const asked = draft({ nowMs: at, ...options });
    const wakeMs = asked.binding.expiry.pendingUntilMs;
    return { draft: asked, headline: "delete", state: "pending", timeMs: at, by: "agent", wakeMs };
  }

  async function inserted(store: RequestStore, of: Opening = opening()): Promise<string> {
    expect(await store.insert(of)).toBe("inserted");
    return of.draft.binding.requestId;
  }

  /** Makes a change on the request as it stands, and looks whether it became what the ledger takes it for. */
  async function change(store: RequestStore, id: string, to?: RequestState, more: Partial<Change> = {}): Promise<boolean> {
    const now = await store.get({ id });
    if (now === undefined) throw new Error("gone");
    const base: Change = { from: now.state, revision: now.revision, timeMs: timeMs + 1, by: "test", wakeMs: now.wakeMs ?? null };
    const ending = to !== undefined && isOutcome(to) ? { outcome: outcome(to) } : {};
    const waits = to === undefined ? {} : { wakeMs: to === "approved" ? timeMs + 500 : null };
    const approving = { ...waits, ...(to === "approved" ? { validUntilMs: timeMs + 500 } : {}) };
    const made = { ...base, ...(to === undefined ? {} : { to }), ...ending, ...approving, ...more };
    const changed = await store.change(id, made);
    expect(await store.get({ id })).toEqual(changed ? changedRequest(now, made) : now);
    return changed;
  }

  async function inState(store: RequestStore, state: RequestState): Promise<string> {
    const id = await inserted(store);
    for (const to of ways[state]) expect(await change(store, id, to)).toBe(true);
    return id;
  }

  const vote = (id: string, approver = alice): Vote => {
    const { vote: key } = openKeys(temporaryFolder());
    return signVote(
      { requestId: id, requestDigest: "sha256:00", approver, verdict: "approve", comment: "ok", timeMs },
      key.privateKey,
    );
  };

  test("gives back a request as it was put in, also after it was opened again", async () => {
    const { store, folder, close } = await opened();
    const of = opening({ idempotencyKey: "key-1", owner: "olivia" });
    const id = await inserted(store, of);
    const expected = {
      ...of.draft,
      state: "pending",
      revision: 1,
      sequence: 1,
      createdMs: timeMs,
      changedBy: "agent",
      votes: [],
      headline: "delete",
    };
    expect(await store.get({ id })).toMatchObject(expected);
    await close();
    const again = await opened(folder);
    expect(await again.store.get({ id })).toMatchObject(expected);
    const { issuer, subject } = of.draft.action.principal;
    expect(await again.store.get({ issuer, subject, idempotencyKey: "key-1" })).toMatchObject({ binding: { requestId: id } });
    expect(await again.store.get({ issuer, subject, idempotencyKey: "key-2" })).toBeUndefined();
    expect(await again.store.get({ id: "req_none" })).toBeUndefined();
  });

  test("takes an id once, and a principal's idempotency key once", async () => {
    const { store } = await opened();
    const of = opening({ idempotencyKey: "k" });
    await inserted(store, of);
    expect(await store.insert(of)).toBe("taken");
    expect(await store.insert(opening({ idempotencyKey: "k" }))).toBe("taken");
    await inserted(store, opening({ idempotencyKey: "k", subject: "another" }));
    await inserted(store);
    await inserted(store);
  });

  describe.each(states)("from %s", (from) => {
    const legal: readonly RequestState[] = transitions[from];

    test.each(states.filter((to) => legal.includes(to)))("goes to %s", async (to) => {
      const { store } = await opened();
      const id = await inState(store, from);
      expect(await change(store, id, to)).toBe(true);
      expect(await store.get({ id })).toMatchObject({ state: to, changedBy: "test", changedMs: timeMs + 1 });
    });

    test.each(states.filter((to) => !legal.includes(to)))("never goes to %s", async (to) => {
      const { store } = await opened();
      const id = await inState(store, from);
      const before = await store.get({ id });
      await expect(change(store, id, to)).rejects.toThrow(IllegalTransition);
      expect(await store.get({ id })).toEqual(before);
    });
  });

  test("makes one of many changes that were decided on the same revision", async () => {
    const { store } = await opened();
    const id = await inState(store, "approved");
    const request = await store.get({ id });
    const claim: Change = {
      from: "approved",
      revision: request?.revision ?? 0,
      to: "executing",
      timeMs,
      by: "test",
      wakeMs: null,
    };
    const claims = await Promise.all(Array.from({ length: 100 }, () => store.change(id, claim)));
    expect(claims.filter(Boolean)).toHaveLength(1);
  });

  test("does nothing when the state or the revision is another", async () => {
    const { store } = await opened();
    const id = await inserted(store);
    const before = await store.get({ id });
    expect(await store.change(id, { from: "approved", revision: 1, to: "executing", timeMs, by: "test", wakeMs: null })).toBe(
      false,
    );
    expect(await store.change(id, { from: "pending", revision: 2, to: "approved", timeMs, by: "test", wakeMs: null })).toBe(
      false,
    );
    expect(
      await store.change("req_none", { from: "pending", revision: 1, to: "approved", timeMs, by: "test", wakeMs: null }),
    ).toBe(false);
    expect(await store.get({ id })).toEqual(before);
  });

  test("takes one vote of a person, also behind another issuer, and the change with it or not at all", async () => {
    const { store } = await opened();
    const id = await inserted(store);
    expect(await change(store, id, undefined, { vote: vote(id) })).toBe(true);
    expect(await change(store, id, undefined, { vote: vote(id, { ...alice, issuer: "elsewhere" }) })).toBe(false);
    expect(await change(store, id, "approved", { vote: vote(id) })).toBe(false);
    expect(await store.get({ id })).toMatchObject({ state: "pending", votes: [{ approver: alice, comment: "ok" }] });
    expect(await change(store, id, "approved", { vote: vote(id, bob) })).toBe(true);
    expect(await store.get({ id })).toMatchObject({ state: "approved", votes: [{ approver: alice }, { approver: bob }] });
  });

  test("numbers events in order and leaves room for the result", async () => {
    const { store } = await opened();
    const id = await inserted(store);
    await change(store, id, "approved", { vote: vote(id) });
    await change(store, id, "executing");
    await change(store, id, "unknown", { resultEvents: 5 });
    const whole = await store.journal(id, 0);
    expect(whole?.events.map(({ sequence, type }) => [sequence, type])).toEqual([
      [1, "pending"],
      [2, "vote"],
      [3, "approved"],
      [4, "executing"],
      [10, "ended"],
    ]);
    expect(whole).toMatchObject({
      ended: true,
      events: [{}, { vote: { approver: alice } }, { validUntilMs: timeMs + 500 }, {}, {}],
    });
    expect((await store.journal(id, 3))?.events.map(({ sequence }) => sequence)).toEqual([4, 10]);
    await change(store, id, "succeeded");
    expect((await store.journal(id, 4))?.events).toMatchObject([{ type: "ended", outcome: outcome("succeeded") }]);
    const entered = ["pending", "approved", "executing", "unknown", "succeeded"];
    expect((await store.history(id)).map(({ state }) => state)).toEqual(entered);
    expect((await store.history(id))[0]).toEqual({ state: "pending", timeMs, by: "agent" });
    expect(await store.history("req_none")).toEqual([]);
    expect(await store.get({ id })).toMatchObject({ sequence: 10, outcome: outcome("succeeded") });
    expect(await store.journal("req_none", 0)).toBeUndefined();
  });

  test("pages through states newest first without gaps or repeats, also at equal times", async () => {
    const { store } = await opened();
    const all = [];
    for (let index = 0; index < 23; index++) all.push(await inserted(store, opening({ timeMs: timeMs + Math.floor(index / 4) })));
    for (const id of all.slice(0, 9)) await change(store, id, "cancelled");
    const seen = [];
    let after: { createdMs: number; id: string } | undefined;
    for (;;) {
      const page = await store.list({ states: ["pending", "cancelled"], ...(after && { after }) }, 5);
      const last = page.at(-1);
      if (last === undefined) break;
      seen.push(...page);
      after = { createdMs: last.createdMs, id: last.binding.requestId };
    }
    expect(seen.map((one) => one.binding.requestId).toSorted()).toEqual(all.toSorted());
    expect(seen.map((one) => one.createdMs)).toEqual(seen.map((one) => one.createdMs).toSorted((a, b) => b - a));
    expect(await store.list({ states: ["cancelled"] }, 100)).toHaveLength(9);
    expect(await store.list({ states: ["pending"], sidecar: "other" }, 100)).toHaveLength(0);
    expect(await store.list({ ids: [all[0] ?? "", "req_none"] }, 100)).toMatchObject([{ state: "cancelled" }]);
  });

  test("orders what waits by when the clock has something to do", async () => {
    const { store } = await opened();
    const late = await inserted(store, opening({ approval: { expiresMs: 9_000 } }));
    const early = await inserted(store, opening({ approval: { expiresMs: 1_000 } }));
    const approved = await inState(store, "approved");
    await inState(store, "executing");
    const waiting = await store.list({ order: "wake" }, 10);
    expect(waiting.map((one) => one.binding.requestId)).toEqual([approved, early, late]);
  });
});
