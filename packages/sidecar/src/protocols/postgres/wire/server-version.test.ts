import { expect, test } from "vitest";
import { requireVersion, versionOf } from "./server-version.ts";

const reported = (version?: string) => new Map(version === undefined ? [] : [["server_version", version]]);

test("a server's major version", () => {
  expect(["18.4 (Debian 18.4-1)", "19beta1", "15.0"].map((text) => versionOf(reported(text)))).toEqual([18, 19, 15]);
  expect(versionOf(reported())).toBeUndefined();
});

test("a session of another version than its client was greeted with serves nobody", () => {
  expect(() => requireVersion({ statuses: reported("18.3") }, reported("18.4"))).not.toThrow();
  for (const version of ["17.9", undefined]) {
    expect(() => requireVersion({ statuses: reported(version) }, reported("18.4"))).toThrow(/Connect again/);
  }
});
