import type { RecordDraft } from "@countersign/audit";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { type FailedLogin, FailedLogins } from "./failed-logins.ts";

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

const login: FailedLogin = {
  ...{ protocol: "postgres", listener: "127.0.0.1:5432", from: "127.0.0.1:50123" },
  claims: { user: "writer", database: "orders-db" },
  ...{ proof: "token", why: "it has expired" },
};

function book() {
  const records: RecordDraft[] = [];
  const append = async (_writer: string, drafts: readonly RecordDraft[]) => {
    records.push(...drafts);
    return [];
  };
  return { records, logins: new FailedLogins({ audit: { append }, writer: "local", now: () => 7 }) };
}

describe("a client that is not let in", () => {
  it("is recorded with what it claimed, from where, by what proof, and why", () => {
    const { records, logins } = book();
    logins.note(login);
    const { listener, from, claims, proof, why } = login;
    const detail = { accepted: false, method: "postgres", listener, from, claims, proof, why };
    expect(records).toEqual([{ type: "sign-in", timeMs: 7, detail }]);
  });

  it("leaves no token, no half of a character and no long text in the log, whatever it names itself", () => {
    const { records, logins } = book();
    const token = `${Buffer.from('{"alg":"EdDSA"}').toString("base64url")}.${"e30".repeat(20)}.${"s3cr3t".repeat(9)}`;
    logins.note({ ...login, claims: { user: `${token}`, database: `${"x".repeat(99)}\u{1f600}` }, why: `no role "${token}"` });
    const text = JSON.stringify(records);
    expect(text).not.toContain("s3cr3t");
    expect(records[0]?.detail).toMatchObject({ claims: { user: "[token]", database: `${"x".repeat(99)}\ufffd` } });
  });

  it("cannot fill the log: sixty of a listener in a minute, and of the rest their number", () => {
    const { records, logins } = book();
    for (let count = 0; count < 1000; count++) logins.note(login);
    logins.note({ ...login, listener: "unix:///run/s/.s.PGSQL.5432" });
    expect(records).toHaveLength(61);
    vi.advanceTimersByTime(60_000);
    const detail = { accepted: false, method: "postgres", listener: login.listener, unrecorded: 940 };
    expect(records.slice(61)).toEqual([{ type: "sign-in", timeMs: 7, detail }]);
    logins.note(login);
    expect(records).toHaveLength(63);
  });

  it("is in the log when the sidecar stops in the middle of a flood", async () => {
    const { records, logins } = book();
    for (let count = 0; count < 62; count++) logins.note(login);
    await logins.close();
    expect(records.at(-1)?.detail).toMatchObject({ unrecorded: 2 });
    vi.advanceTimersByTime(120_000);
    expect(records).toHaveLength(61);
  });
});
