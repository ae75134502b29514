import { generateKeyPairSync } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { RecordDraft } from "@countersign/audit";
import { afterEach, beforeEach, expect, it } from "vitest";
import { type EmbeddedLog, openEmbeddedLog } from "./embedded-log.ts";

let folder: string;
let audit: EmbeddedLog;
const keys = { log: generateKeyPairSync("ed25519"), payload: Buffer.alloc(32, 1) };
const open = () => openEmbeddedLog(folder, keys, "countersign.example/test");

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "countersign-sessions-"));
  audit = await open();
  // No log begins with a session.
  await audit.append("control", [{ type: "start", timeMs: 0 }], "handed-over");
});
afterEach(async () => {
  await audit[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true });
});

function draft(type: RecordDraft["type"], request: string, payload?: string): RecordDraft {
  const principal = { issuer: "ssh", subject: "agent", groups: [] };
  const detail = type === "session.ended" ? { reason: "exited", parts: 1 } : {};
  return {
    type,
    request,
    timeMs: 1,
    resource: "web-1",
    principal,
    detail,
    ...(payload !== undefined && { payload: Buffer.from(payload) }),
  };
}
const write = (...drafts: RecordDraft[]) => audit.append("local", drafts, "handed-over");
const openOnes = async () => (await audit.openIntents("local")).map(({ request }) => request);

it("recordings are listed newest first, and read from where they begin to their end, also across full tiles", async () => {
  await write(draft("request", "req_a"), draft("session.started", "req_a", "header\n"));
  const parts = Array.from({ length: 600 }, (_, index) => draft("session.part", "req_a", `${index}\n`));
  await write(...parts, draft("session.ended", "req_a"), draft("session.started", "req_b", "other\n"));
  expect(audit.sessions.list({ limit: 10 }).map(({ id, ended }) => [id, ended !== undefined])).toEqual([
    ["req_b", false],
    ["req_a", true],
  ]);
  const [first] = audit.sessions.list({ limit: 1 });
  expect(audit.sessions.list({ limit: 1, before: first?.place ?? 0 }).map(({ id }) => id)).toEqual(["req_a"]);
  let text = "";
  let complete = false;
  for (let after = 0; !complete; ) {
    const part = await audit.sessions.read("req_a", after, 0);
    text += part.lines.toString();
    expect(part.complete || part.next > after).toBe(true);
    ({ next: after, complete } = part);
  }
  expect(text).toBe(["header\n", ...parts.map((_, index) => `${index}\n`)].join(""));
  expect(() => audit.sessions.get("req_c")).toThrow(/no recorded session/);
});

it("whoever follows a session gets what is written as soon as it is, waits no longer than asked, and sees what was erased", async () => {
  const [receipt] = await write(draft("session.started", "req_a", "header\n"));
  const { next } = await audit.sessions.read("req_a", 0, 0);
  expect(await audit.sessions.read("req_a", next, 5)).toMatchObject({ complete: false, next });
  const following = audit.sessions.read("req_a", next, 60_000);
  await write(draft("session.part", "req_a", "1\n"));
  expect((await following).lines.toString()).toBe("1\n");
  audit.store.erasePayload(receipt?.index ?? 0);
  expect(await audit.sessions.read("req_a", 0, 0)).toMatchObject({ erased: 1, lines: Buffer.from("1\n") });
});

it("a session without an end is open as its intent, or where it has none by itself, until it has ended; a restart finds it", async () => {
  await write(draft("intent", "req_a"), draft("session.started", "req_a"), draft("session.started", "ses_b"));
  await write(draft("session.ended", "req_a"), draft("session.started", "ses_c"), draft("session.ended", "ses_c"));
  expect(await openOnes()).toEqual(["req_a", "ses_b"]);
  await write(...Array.from({ length: 300 }, (_, index) => draft("request", `req_${index}`)));
  for (let times = 0; times < 2; times++) {
    await audit[Symbol.asyncDispose]();
    audit = await open();
    expect(await openOnes()).toEqual(["req_a", "ses_b"]);
  }
  await write(draft("session.ended", "ses_b"));
  await audit[Symbol.asyncDispose]();
  audit = await open();
  expect(await openOnes()).toEqual(["req_a"]);
});
