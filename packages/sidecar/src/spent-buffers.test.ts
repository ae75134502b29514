import { afterEach, expect, it, vi } from "vitest";
import { goesBy } from "./spent-buffers.ts";

const megabyte = 1024 * 1024;

afterEach(() => vi.unstubAllGlobals());

it("collects the young, and only them, each time when 4 MB have gone by, in whatever pieces", () => {
  const collect = vi.fn();
  vi.stubGlobal("gc", collect);
  for (let n = 0; n < 4 * 32 - 1; n++) goesBy(32 * 1024);
  expect(collect).not.toHaveBeenCalled();
  goesBy(32 * 1024);
  expect(collect).toHaveBeenCalledExactlyOnceWith({ type: "minor" });
  for (let n = 0; n < 12; n++) goesBy(megabyte);
  expect(collect).toHaveBeenCalledTimes(4);
});

it("does nothing where the collector cannot be reached", () => {
  vi.stubGlobal("gc", undefined);
  expect(() => goesBy(64 * megabyte)).not.toThrow();
});
