import { describe, expect, it } from "vitest";
import { checkPins, drifts, pinsOf, startupOptions } from "./pins.ts";

describe("pins", () => {
  const pins = pinsOf(["app", 'odd "one\\']);

  it("quote every schema and search temporary tables last", () => {
    expect(pins.search_path).toBe('"app", "odd ""one\\", "pg_temp"');
  });

  it("escape what would end an option", () => {
    expect(startupOptions(pins)).toContain('-c search_path="app",\\ "odd\\ ""one\\\\",\\ "pg_temp" ');
  });

  it("are checked one by one, and the error names the setting", () => {
    const answer = Object.values(pins);
    expect(() => checkPins(pins, answer, "db")).not.toThrow();
    answer[Object.keys(pins).indexOf("search_path")] = '"evil"';
    expect(() => checkPins(pins, answer, "db")).toThrow(/db does not keep the setting search_path/);
    expect(() => checkPins(pins, [], "db")).toThrow(/standard_conforming_strings/);
  });

  it("drift when a pinned setting or the login changes", () => {
    expect(drifts(pins, "standard_conforming_strings", "off", "w")).toBe(true);
    expect(drifts(pins, "standard_conforming_strings", "on", "w")).toBe(false);
    expect(drifts(pins, "session_authorization", "postgres", "w")).toBe(true);
    expect(drifts(pins, "session_authorization", "w", "w")).toBe(false);
    expect(drifts(pins, "in_hot_standby", "on", "w")).toBe(false);
  });
});
