import { mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DocumentError } from "@countersign/policy";
import { afterEach, beforeEach, expect, test } from "vitest";
import { httpResourceSchema } from "../resource.ts";
import { ApiSource } from "./api-source.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "countersign-api-"));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

/** Puts a whole file in the place of another, as configuration tools do. */
function write(text: string): void {
  writeFileSync(join(folder, "new"), text);
  renameSync(join(folder, "new"), join(folder, "api.yaml"));
}

const naming = (id: string, more = "") => `openapi: 3.1.0\npaths: { /refunds: { post: { operationId: ${id} } } }\n${more}`;

function opened(): ApiSource {
  const roles = { reader: { bearer: { env: "TOKEN" } } };
  const resource = { name: "b", type: "http", origin: "https://api.example.com", openapi: ["api.yaml"], roles };
  return new ApiSource(httpResourceSchema.parse(resource), folder);
}

const names = (source: ApiSource) => source.current.operations?.map(({ id }) => id);

test("a changed document is in force as a whole; one that says the same is not another one", () => {
  write(naming("refund"));
  const source = opened();
  const first = source.current;
  expect([source.reload(), source.current]).toEqual([false, first]);
  write(naming("refund", "# the same\n"));
  expect(source.reload()).toBe(false);
  expect(source.current).toBe(first);
  write(naming("payBack"));
  expect([source.reload(), names(source)]).toEqual([true, ["payBack"]]);
});

test("a document that is bad or gone leaves the last good one in force, says where it is bad, each time, until it is mended", () => {
  write(naming("refund"));
  const source = opened();
  write("openapi: 3.1.0\npaths: { /refunds/{a}{b}: {} }\n");
  for (let tries = 0; tries < 2; tries++) {
    expect(() => source.reload()).toThrow(DocumentError);
    expect(() => source.reload()).toThrow(/api\.yaml:2:\d+: /);
    expect(names(source)).toEqual(["refund"]);
  }
  rmSync(join(folder, "api.yaml"));
  expect(() => source.reload()).toThrow(/ENOENT/);
  expect(names(source)).toEqual(["refund"]);
  write(naming("payBack"));
  expect([source.reload(), names(source)]).toEqual([true, ["payBack"]]);
});
