import { expect, test } from "vitest";
import { decodeDetail, decodeInboxMessage, decodePage } from "./decode.ts";
import { DecodeError } from "./json.ts";

const summary = {
  id: "req_1",
  state: "REQUEST_STATE_PENDING",
  resource: "orders-db",
  createdMs: 1,
  expiresMs: "2",
  changedMs: 1,
};
const answer = (operation: unknown, more = {}) => ({ request: { summary, operation, ...more } });
const query = (parameters: unknown[]) => answer({ postgresQuery: { statement: "select 1", parameters } });

test("fields that the wire leaves out have their defaults, and 64-bit numbers may be strings", () => {
  const decoded = decodeDetail(answer({ postgresQuery: { statement: "select 1" } }));
  expect(decoded.summary).toMatchObject({ state: "pending", canVote: false, rules: [], expiresMs: 2 });
  expect([decoded.limits.rows, decoded.outcome, decoded.votes]).toEqual([0, undefined, []]);
});

test("NULL, the empty text and binary are three different values", () => {
  expect(decodeDetail(query([{ null: true }, { text: "" }, { binary: "AP8=" }])).operation).toHaveProperty("parameters", [
    { type: "null" },
    { type: "text", value: "" },
    { type: "binary", value: Uint8Array.of(0, 255) },
  ]);
});

test.each([
  ["an operation of an unknown kind", answer({ ftpGet: { path: "x" } })],
  ["no operation", answer(undefined)],
  ["a parameter of an unknown kind", query([{ composite: [] }])],
  ["a parameter without a value", query([{}])],
  ["a binary parameter that is not base64", query([{ binary: "!" }])],
  ["a statement that is not text", answer({ postgresQuery: { statement: 1 } })],
  ["an unknown verdict", answer({ postgresQuery: { statement: "x" } }, { votes: [{ verdict: "VERDICT_MAYBE" }] })],
])("%s is an error, never shown in part", (_, value) => {
  expect(() => decodeDetail(value)).toThrow(DecodeError);
});

test("an unknown state is an error, not another state", () => {
  expect(() => decodePage({ requests: [{ ...summary, state: "REQUEST_STATE_PAUSED" }] })).toThrow(/state is not known/);
  expect(() => decodeInboxMessage({ request: { ...summary, state: undefined } })).toThrow(DecodeError);
  expect(() => decodeInboxMessage({ request: { ...summary, state: "constructor" } })).toThrow(DecodeError);
});

test("an id that is not one cannot become a path", () => {
  expect(() => decodeInboxMessage({ request: { ...summary, id: "../../api/session" } })).toThrow(DecodeError);
});
