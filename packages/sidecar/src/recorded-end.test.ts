import { expect, test } from "vitest";
import { endOnRecord } from "./recorded-end.ts";

const records = (...all: readonly { readonly type: string; readonly detail?: object }[]) =>
  all.map((record) => Buffer.from(JSON.stringify(record)));
const asked = { type: "request", detail: { state: "pending" } };
const approved = { type: "state", detail: { from: "pending", to: "approved" } };
const claimed = { type: "state", detail: { from: "approved", to: "executing" } };

test("what is approved, or was claimed by a process that died before it sent anything, may be dispatched", () => {
  expect(endOnRecord(records(asked, approved))).toBeUndefined();
  expect(endOnRecord(records(asked, approved, claimed))).toBeUndefined();
});

test.each(["revoked", "expired", "cancelled", "denied", "failed", "succeeded", "unknown"])(
  "ap-replay: what is %s on record is not dispatched, whatever its row says",
  (to) => {
    expect(endOnRecord(records(asked, approved, { type: "state", detail: { to } }))).toContain(to);
  },
);

test("ap-replay: what has an intent or a revocation on record is not dispatched", () => {
  expect(endOnRecord(records(asked, approved, claimed, { type: "intent" }))).toContain("dispatched before");
  expect(endOnRecord(records(asked, approved, { type: "revocation" }))).toContain("revoked");
});
