import fc from "fast-check";
import { expect, test } from "vitest";
import { readStatus, StatusReader } from "./status.ts";

const exit = (...causes: object[]) =>
  JSON.stringify({ metadata: {}, status: "Failure", message: "m", reason: "NonZeroExitCode", details: { causes } });

test.each<[string, object | undefined]>([
  ['{"metadata":{},"status":"Success"}', { type: "exited", exit: { code: 0 } }],
  [exit({ reason: "ExitCode", message: "137" }), { type: "exited", exit: { code: 137 } }],
  // Windows: STATUS_CONTROL_C_EXIT, unsigned there.
  [exit({ reason: "ExitCode", message: "3221225786" }), { type: "exited", exit: { code: -1073741510 } }],
  [
    '{"status":"Failure","reason":"InternalError","message":"no such file"}',
    { type: "failed", reason: "InternalError", message: "no such file" },
  ],
  // What has no code, or two, did not say how it ended.
  [exit(), { type: "failed", reason: "NonZeroExitCode", message: "m" }],
  [exit({ reason: "ExitCode", message: "" }), { type: "failed", reason: "NonZeroExitCode", message: "m" }],
  [exit({ reason: "ExitCode", message: "0x1" }), { type: "failed", reason: "NonZeroExitCode", message: "m" }],
  [
    exit({ reason: "ExitCode", message: "0" }, { reason: "ExitCode", message: "1" }),
    { type: "failed", reason: "NonZeroExitCode", message: "m" },
  ],
  ['{"status":"success"}', undefined],
  ['{"status":', undefined],
  ["null", undefined],
  ["", undefined],
])("%s", (text, expected) => {
  expect(readStatus(text)).toEqual(expected);
});

test("a Status is read in whatever pieces it comes", () => {
  const text = exit({ reason: "ExitCode", message: "7" });
  for (let at = 0; at <= text.length; at++) {
    const reader = new StatusReader();
    reader.add(Buffer.from(text.slice(0, at)));
    expect(reader.read()).toEqual(at === text.length ? { type: "exited", exit: { code: 7 } } : undefined);
    reader.add(Buffer.from(text.slice(at)));
    expect(reader.read()).toEqual({ type: "exited", exit: { code: 7 } });
  }
});

test("no text makes it throw, and more than a Status is not kept", () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.json()), (text) => void readStatus(text)),
    { numRuns: 500 },
  );
  const reader = new StatusReader();
  expect(reader.add(Buffer.alloc(64 * 1024 + 1, 0x20))).toBe(false);
  expect(reader.read()).toBe(undefined);
});
