import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { losePatience, timeoutMs } from "./patience.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test("timeouts are milliseconds or a number with a unit", () => {
  expect([250, "500ms", "50s", "1.5m", "2h"].map(timeoutMs)).toEqual([250, 500, 50_000, 90_000, 7_200_000]);
});

test.each([0, -1, Number.NaN, "", "50", "50 s", "1d", "-5s", 2 ** 31, "600h"])("%j is refused", (timeout) => {
  expect(() => timeoutMs(timeout)).toThrow(expect.objectContaining({ code: "invalid_request" }));
});

test("ends once, by whichever comes first, and leaves no listener and no timer", () => {
  const abort = new AbortController();
  const codes: string[] = [];
  const removed = vi.spyOn(abort.signal, "removeEventListener");
  losePatience({ timeout: 100, signal: abort.signal }, (impatience) => codes.push(impatience("r", "").code));
  vi.advanceTimersByTime(100);
  abort.abort();
  expect(codes).toEqual(["timeout"]);
  expect(removed).toHaveBeenCalled();
  expect(vi.getTimerCount()).toBe(0);
});

test("an abort carries its reason; one that came before refuses at once", () => {
  const abort = new AbortController();
  const errors: Error[] = [];
  losePatience({ timeout: "1h", signal: abort.signal }, (impatience) => errors.push(impatience("req_1", "")));
  abort.abort(new Error("user left"));
  expect(errors).toEqual([expect.objectContaining({ code: "aborted", requestId: "req_1", cause: new Error("user left") })]);
  expect(vi.getTimerCount()).toBe(0);
  expect(() => losePatience({ signal: abort.signal }, () => {})).toThrow(expect.objectContaining({ code: "aborted" }));
});

test("stopped patience is never lost", () => {
  const abort = new AbortController();
  const stop = losePatience({ timeout: 100, signal: abort.signal }, () => expect.unreachable());
  stop();
  abort.abort();
  vi.advanceTimersByTime(1000);
});
