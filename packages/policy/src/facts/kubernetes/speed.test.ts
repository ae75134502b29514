import { describe, expect, test } from "vitest";
import { CountersignError } from "../../outcome.ts";
import { classifyRequest } from "./classify.ts";

/** No request may hold the event loop longer than this. */
const maxMs = 50;

function milliseconds(method: string, path: string, type?: string, text?: string): number {
  const times: number[] = [];
  for (let run = 0; run < 3; run++) {
    const start = process.threadCpuUsage();
    try {
      const headers: [string, string][] = type === undefined ? [] : [["Content-Type", type]];
      classifyRequest({ kind: "kubernetes.request", method, path, headers, ...(text === undefined ? {} : { body: { text } }) });
    } catch (error) {
      if (!(error instanceof CountersignError)) throw error;
    }
    // Of this thread's own time: others use the machine, too.
    times.push(process.threadCpuUsage(start).user / 1000);
  }
  return Math.min(...times);
}

const json = "application/json";
const yaml = "application/apply-patch+yaml";
const full = 255 * 1024;

describe("the worst we could think of", () => {
  test.each([
    ["many values", json, `[${"1,".repeat(full / 2)}1]`],
    ["many lists", json, `[${"[],".repeat(full / 3)}1]`],
    ["deep lists", json, "[".repeat(full / 2) + "]".repeat(full / 2)],
    ["deep objects", json, `${'{"a":'.repeat(full / 6)}1${"}".repeat(full / 6)}`],
    [
      "as many values as are looked at",
      json,
      JSON.stringify(Array.from({ length: 450 }, () => Array.from({ length: 21 }, (_, at) => `é${at}`))),
    ],
    ["escaped names", json, `{${Array.from({ length: 499 }, (_, at) => `"${"\\u0041".repeat(80)}${at}":${at}`).join()}}`],
    ["long numbers", json, `[${Array.from({ length: 499 }, () => "1".repeat(500)).join()}]`],
    ["exponents", json, `[${Array.from({ length: 499 }, () => "1e-99999999999").join()}]`],
    ["one long text", json, `{"a":"${"é".repeat(full / 2)}"}`],
    ["escapes that do not end", json, `"${"\\".repeat(full)}`],
    ["4 MB", json, "x".repeat(4_000_000)],
    ["YAML keys", yaml, Array.from({ length: 700 }, (_, at) => `k${at}:`).join("\n")],
    ["YAML flow", yaml, `a: ${"[".repeat(190)}${"]".repeat(190)}`],
    ["YAML maps", yaml, `a: ${"{a: ".repeat(190)}`],
    ["YAML colons", yaml, ": ".repeat(2000)],
    ["YAML dashes", yaml, "- ".repeat(2000)],
    ["YAML question marks", yaml, "? ".repeat(2000)],
    ["YAML tags", yaml, "!a ".repeat(199)],
    ["YAML anchors", yaml, `a: &a [x]\n${Array.from({ length: 60 }, (_, at) => `b${at}: &b${at} [*a,*a]`).join("\n")}`],
    ["YAML documents", yaml, "---\n".repeat(1000)],
    ["YAML blocks", yaml, "- |\n".repeat(1000)],
    ["YAML over its caps", yaml, `a: ${"[".repeat(4000)}`],
    ["YAML quotes", yaml, `- "${'\\"'.repeat(2000)}`],
  ])("body: %s", (_, type, text) => {
    expect(
      milliseconds("PATCH", "/api/v1/namespaces/a/pods/x", type === json ? "application/merge-patch+json" : type, text),
    ).toBeLessThan(maxMs);
  });

  test.each([
    ["segments", `/api/v1/${"a/".repeat(8000)}`],
    ["segments of a health check", `/healthz${"/a".repeat(8000)}`],
    ["escapes", `/api/v1/${"%61".repeat(5000)}`],
    ["pairs", `/api/v1/pods?${"a=1&".repeat(4000)}`],
    ["a selector's escapes", `/api/v1/pods?fieldSelector=${"%5C".repeat(5000)}`],
    ["a selector's terms", `/api/v1/pods?fieldSelector=${"a=b,".repeat(4000)}`],
    ["a selector's signs", `/api/v1/pods?fieldSelector=${"!".repeat(16_000)}`],
    ["a program's version", `/api/v1/namespaces/a/pods/x/exec?command=x${"1".repeat(16_000)}z`],
    ["a program's path", `/api/v1/namespaces/a/pods/x/exec?command=${"/".repeat(16_000)}`],
    ["a program's dots", `/api/v1/namespaces/a/pods/x/exec?command=${".so".repeat(5000)}`],
    ["arguments", `/api/v1/namespaces/a/pods/x/exec?${"command=a&".repeat(499)}`],
    ["a megabyte", `/${"a".repeat(1_000_000)}`],
  ])("path: %s", (_, path) => {
    expect(milliseconds("GET", path)).toBeLessThan(maxMs);
  });
});
