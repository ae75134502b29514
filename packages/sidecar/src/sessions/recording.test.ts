import { createHash } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { AuditError, type RecordDraft } from "@countersign/audit";
import type { Revocation } from "@countersign/policy";
import { expect, test } from "vitest";
import { Persistence } from "../persist.ts";
import { type RecordingTimes, startRecording } from "./recording.ts";

/** A log that keeps what it gets, and may be slow or full. */
class Log {
  readonly drafts: RecordDraft[] = [];
  gate: Promise<void> = Promise.resolve();
  full = false;

  async append(_writer: string, drafts: readonly RecordDraft[]) {
    await this.gate;
    if (this.full) throw new AuditError("unavailable", "The disk is full.");
    this.drafts.push(...drafts);
    return [];
  }

  async recordsOf() {
    return this.drafts.map(({ type }) => Buffer.from(JSON.stringify({ type })));
  }

  get cast(): string {
    return Buffer.concat(this.drafts.map(({ payload }) => payload ?? Buffer.alloc(0))).toString();
  }

  get events(): unknown[] {
    return this.cast
      .split("\n")
      .slice(1, -1)
      .map((line): unknown => JSON.parse(line));
  }

  get details(): unknown[] {
    return this.drafts.map(({ type, detail }) => ({ type, ...(detail as object) }));
  }
}

async function world(times: RecordingTimes = { gatherMs: 5, slowMs: 1000 }) {
  const log = new Log();
  const persistence = new Persistence();
  const clock = { ms: 0 };
  const about = {
    ...{ id: "req_1", kind: "terminal" as const, principal: { issuer: "i", subject: "a", groups: [] } },
    ...{ resource: "web-1", role: "operator", title: "web-1", size: { columns: 80, rows: 24 } },
  };
  const listeners = new Set<(revocation: Revocation) => void>();
  const revocations = {
    onRevoked: (listener: (revocation: Revocation) => void) => {
      listeners.add(listener);
      return { [Symbol.dispose]: () => void listeners.delete(listener) };
    },
  };
  const recording = await startRecording(about, {
    ...{ audit: log, writer: "w", persistence, revocations, times },
    random: (size) => Buffer.alloc(size),
    now: () => 1_700_000_000_000 + clock.ms,
    elapsed: () => clock.ms,
  });
  return { log, clock, recording, listeners, [Symbol.asyncDispose]: () => persistence[Symbol.asyncDispose]() };
}

const exited = { reason: "exited", message: "The shell exited." } as const;

test("a recording is asciicast v2, its parts are in order, and its end sums it up", async () => {
  await using w = await world();
  const { log, clock, recording } = w;
  await recording.output(Buffer.from("$ "));
  clock.ms = 1500;
  await recording.input(Buffer.from("ls\r"));
  await expect.poll(() => log.drafts.length).toBe(2);
  recording.resize({ columns: 4_000_000_000, rows: 0 });
  recording.mark("a mark");
  await recording.end(exited);
  await recording.end({ reason: "revoked", message: "too late" });
  recording.resize({ columns: 1, rows: 1 });
  expect(log.cast.split("\n")[0]).toBe(
    '{"version":2,"width":80,"height":24,"timestamp":1700000000,"title":"web-1","salt":"AAAAAAAAAAAAAAAAAAAAAA"}',
  );
  expect(log.events).toEqual([
    [0, "o", "$ "],
    [1.5, "i", "ls\r"],
    [1.5, "r", "1000x1"],
    [1.5, "m", "a mark"],
  ]);
  const hash = createHash("sha256").update(log.cast).digest("hex");
  expect(log.details).toEqual([
    { type: "session.started", kind: "terminal", role: "operator", columns: 80, rows: 24 },
    { type: "session.part", part: 1, fromMs: 0 },
    { type: "session.part", part: 2, fromMs: 1500 },
    { ...{ type: "session.ended", ...exited, durationMs: 1500 }, output: 2, input: 3, parts: 2, recording: `sha256:${hash}` },
  ]);
});

test("characters that are cut anywhere come whole, and what is no UTF-8 is replaced", async () => {
  const text = "é漢😀\u2028\u0000\u001b[0m\uFEFF";
  const bytes = Buffer.from(text);
  for (let at = 1; at < bytes.length; at++) {
    await using w = await world();
    await w.recording.output(bytes.subarray(0, at));
    w.recording.resize({ columns: 80, rows: 24 });
    await w.recording.output(bytes.subarray(at));
    await w.recording.end(exited);
    const said = w.log.events.map((event) => (Array.isArray(event) && event[1] === "o" ? event[2] : "")).join("");
    expect(said).toBe(text);
  }
  await using w = await world();
  await w.recording.output(Buffer.from([0xff, 0x41, 0xe6, 0xbc]));
  await w.recording.end(exited);
  expect(w.log.events).toEqual([
    [0, "o", "�A"],
    [0, "o", "�"],
  ]);
});

test("who writes faster than the log takes it waits, and parts stay bounded", async () => {
  await using w = await world();
  const { log, recording } = w;
  const gate = Promise.withResolvers<void>();
  log.gate = gate.promise;
  const piece = Buffer.alloc(32 * 1024, "x");
  let waits: undefined | Promise<void>;
  let pieces = 0;
  for (; waits === undefined && pieces < 100; pieces++) waits = recording.output(piece);
  expect(pieces).toBeLessThan(10);
  let isFree = false;
  void waits?.then(() => {
    isFree = true;
  });
  await sleep(20);
  expect(isFree).toBe(false);
  gate.resolve();
  await waits;
  await recording.end(exited);
  const said = log.events.map((event) => (Array.isArray(event) ? String(event[2]) : "")).join("");
  expect(said.length).toBe(pieces * piece.length);
});

test("au-fail: where the log cannot be written, or is too slow, the session is to be cut and nothing more is sent", async () => {
  await using full = await world();
  full.log.full = true;
  await full.recording.output(Buffer.from("secret"));
  await expect.poll(() => full.recording.broken.aborted).toBe(true);
  expect(full.recording.broken.reason).toMatchObject({ code: "audit_unavailable" });
  expect(() => full.recording.output(Buffer.from("more"))).toThrow(/does not take the recording/);
  await full.recording.end({ reason: "audit", message: "It could not be recorded." });
  expect(full.log.details).toHaveLength(1);
  // What was sent is recorded, and the end too, as soon as it can be.
  full.log.full = false;
  await expect.poll(() => full.log.drafts.at(-1)?.type, { timeout: 3000 }).toBe("session.ended");
  expect(full.log.events).toEqual([[0, "o", "secret"]]);

  await using slow = await world({ gatherMs: 5, slowMs: 30 });
  const gate = Promise.withResolvers<void>();
  slow.log.gate = gate.promise;
  await slow.recording.output(Buffer.from("x"));
  await expect.poll(() => slow.recording.broken.aborted).toBe(true);
  gate.resolve();
  await slow.recording.end({ reason: "audit", message: "It could not be recorded." });
  expect(slow.log.details).toMatchObject([{}, { part: 1 }, { parts: 1, reason: "audit" }]);
});

test("a session that cannot be recorded does not begin", async () => {
  const audit = new Log();
  audit.full = true;
  const about = {
    ...{ id: "req_1", kind: "shell" as const, principal: { issuer: "i", subject: "a", groups: [] } },
    ...{ resource: "web-1", role: "operator", title: "", size: { columns: 80, rows: 24 } },
  };
  await using persistence = new Persistence();
  const revocations = { onRevoked: () => ({ [Symbol.dispose]: () => {} }) };
  const parts = { audit, writer: "w", persistence, revocations, now: () => 0, elapsed: () => 0 };
  await expect(startRecording(about, parts)).rejects.toMatchObject({ code: "unavailable" });
});

test("whoever cuts it is heard in the same turn, until it has ended", async () => {
  await using w = await world();
  for (const requestId of ["req_2", "req_1"]) for (const listener of w.listeners) listener({ type: "request", requestId });
  expect(w.recording.broken.reason).toMatchObject({ code: "revoked" });
  expect(() => w.recording.output(Buffer.from("x"))).toThrow(/cut/);
  await w.recording.end({ reason: "revoked", message: "Cut." });
  expect(w.listeners.size).toBe(0);
});
