import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import type { McpCall } from "../action.ts";
import type { Json } from "../canonical.ts";
import { CountersignError } from "../outcome.ts";
import { loadPolicy } from "../policy.ts";
import { classifyMcp, mcp } from "./mcp.ts";

const schema = { type: "object", properties: { path: { type: "string" }, max: { type: "number" } }, required: ["path"] };

function call(args: McpCall["arguments"] = { path: "/srv/a" }, more: Partial<McpCall> = {}): McpCall {
  return { kind: "mcp.call", server: "files", tool: "read_file", arguments: args, ...more };
}

function refusal(operation: McpCall): string {
  try {
    classifyMcp(operation);
  } catch (error) {
    if (error instanceof CountersignError) return `${error.code}: ${error.message}`;
    throw error;
  }
  return "accepted";
}

test("a call's facts", () => {
  const facts = classifyMcp(call({ path: "/srv/a", max: 7 }, { schema }));
  // Its members are already in the order of RFC 8785 but for the outermost three.
  const canonical = '{"properties":{"max":{"type":"number"},"path":{"type":"string"}},"required":["path"],"type":"object"}';
  expect(facts).toEqual({
    server: "files",
    tool: "read_file",
    args: { path: "/srv/a", max: 7 },
    schemaDigest: `sha256:${createHash("sha256").update(canonical).digest("hex")}`,
    opaque: false,
    doubts: [],
  });
  expect(Object.isFrozen(facts) && Object.isFrozen(facts.args)).toBe(true);
  expect(mcp.summary(facts)).toBe("files/read_file");
  expect(mcp.readOnly(facts)).toBe(false);
});

test("a call without a schema is understood; its digest is empty, so that no pin fits", () => {
  expect(classifyMcp(call())).toMatchObject({ schemaDigest: "", opaque: false });
});

test("the same call gives the same facts; a changed one, or a caller that changes its arguments afterwards, does not change them", () => {
  const args = { path: "/srv/a", list: [1] };
  const facts = classifyMcp(call(args));
  args.list.push(2);
  args.path = "/etc/passwd";
  expect(facts.args).toEqual({ path: "/srv/a", list: [1] });
  expect(classifyMcp(call({ path: "/srv/a", list: [1] }))).toBe(facts);
  expect(classifyMcp(call(args)).args).toEqual({ path: "/etc/passwd", list: [1, 2] });
  expect(classifyMcp(call(args, { tool: "write_file" })).tool).toBe("write_file");
  expect(classifyMcp(call(args, { server: "files2" })).server).toBe("files2");
});

describe("the schema", () => {
  const digest = (one: Json) => classifyMcp(call({}, { schema: one })).schemaDigest;

  test("its digest does not depend on the order of members, and on everything else", () => {
    const { type, properties, required } = schema;
    expect(digest({ required, properties, type })).toBe(digest(schema));
    expect(digest({ ...schema, description: "x" })).not.toBe(digest(schema));
    expect(digest({ ...schema, required: [] })).not.toBe(digest(schema));
  });

  test("an argument that it does not list is doubted, where it lists all", () => {
    const args = { path: "/srv/a", sudo: true };
    const doubted = (one: Json) => classifyMcp(call(args, { schema: one })).opaque;
    expect(doubted(schema)).toBe(true);
    expect(doubted({ ...schema, additionalProperties: false })).toBe(true);
    expect(doubted({ ...schema, additionalProperties: true })).toBe(false);
    expect(doubted({ ...schema, allOf: [{ properties: { sudo: {} } }] })).toBe(false);
    expect(doubted({ type: "object" })).toBe(false);
    expect(classifyMcp(call({ constructor: 1 }, { schema })).opaque).toBe(true);
  });

  test.each<[string, unknown]>([
    ["a list", []],
    ["null", null],
    ["true", true],
    ["text", "{}"],
    ["a bigint in it", { a: 1n }],
    ["a lone surrogate in it", { a: "\ud800" }],
    ["an object that says it is another", { toJSON: () => 5 }],
    ["an object that says it is nothing", { toJSON: () => undefined }],
    ["too deep", JSON.parse(`${'{"a":'.repeat(20_000)}1${"}".repeat(20_000)}`)],
  ])("%s is refused", (_, given) => {
    expect(refusal(call({}, { schema: given as Json }))).toMatch(/^invalid_operation: The tool's schema /);
  });

  test("above 256 KiB it is refused", () => {
    expect(refusal(call({}, { schema: { description: "x".repeat(300_000) } }))).toMatch(/^operation_too_large: /);
  });
});

describe("names", () => {
  test.each([
    "",
    " read",
    "read ",
    "re\u0000ad",
    "re\nad",
    "re\u001b[2Jad",
    "re\u200bad",
    "\u202edaer",
    "ｒead",
    "\u212aey",
    "re  ad",
    "\ud800",
    "a".repeat(129),
  ])("%j is refused, as tool and as server", (name) => {
    expect(refusal(call({}, { tool: name }))).toMatch(/^invalid_operation: The tool's name /);
    expect(refusal(call({}, { server: name }))).toMatch(/^invalid_operation: The server's name /);
  });

  test("letters that look like others are doubted", () => {
    expect(classifyMcp(call({}, { tool: "re\u0430d_file" }))).toMatchObject({ opaque: true });
    expect(mcp.summary(classifyMcp(call({}, { tool: "re\u0430d_file" })))).toBe("files/re%D0%B0d_file");
  });

  test.each(["read_file", "github:create_issue", "a/b.c-d", "Get Weather", "a".repeat(128)])("%s is taken", (tool) => {
    expect(classifyMcp(call({}, { tool })).opaque).toBe(false);
  });
});

describe("arguments", () => {
  test.each<[string, unknown]>([
    ["undefined", { a: undefined }],
    ["NaN", { a: Number.NaN }],
    ["a bigint", { a: 1n }],
    ["a lone surrogate", { a: "\udfff" }],
    ["a date", { a: new Date(0) }],
    ["a function", { toJSON: () => ({}) }],
    ["a list", []],
    ["null", null],
    ["text", "x"],
  ])("%s is refused: JSON cannot carry it, or it is no object", (_, args) => {
    expect(refusal(call(args as McpCall["arguments"]))).toMatch(/^invalid_operation: /);
  });

  test("above 4 MiB they are refused, above 256 KiB not looked into", () => {
    expect(refusal(call({ a: "x".repeat(4 * 1024 * 1024) }))).toMatch(/^operation_too_large: /);
    expect(classifyMcp(call({ a: "x".repeat(300_000) }))).toMatchObject({ args: null, opaque: true });
    expect(classifyMcp(call({ a: "x".repeat(200_000) }))).toMatchObject({ opaque: false });
  });

  test.each<[string, McpCall["arguments"], RegExp]>([
    ["names that differ in case", { path: "/srv/a", Path: "/etc" }, /take for the same/],
    ["an invisible character in a name", { "path\u200b": "/etc" }, /take for another/],
    ["the prototype", JSON.parse('{"__proto__":{"path":"/etc"}}'), /__proto__/],
    ["a number that is rounded", { id: 2 ** 53 }, /not exact/],
    ["NUL", { path: "/srv/a\0/etc" }, /NUL/],
    ["many", { list: new Array(501).fill(1) }, /not looked into: .* more than 500/],
    ["deep", JSON.parse(`${'{"a":'.repeat(70)}1${"}".repeat(70)}`), /not looked into: it nests deeper/],
  ])("%s makes the call opaque", (_, args, why) => {
    const { opaque, doubts } = classifyMcp(call(args));
    expect(opaque).toBe(true);
    expect(doubts.join()).toMatch(why);
  });
});

test("a rule may pin a tool to what it was; the tool changes, and the rule does not fit any more", () => {
  const pin = classifyMcp(call({}, { schema })).schemaDigest;
  const when = `mcp.server == "files" && mcp.tool == "read_file" && mcp.schemaDigest == "${pin}" && mcp.args.path.startsWith("/srv/")`;
  const policy = loadPolicy({ "p.yaml": JSON.stringify({ version: 1, rules: [{ id: "reads", effect: "allow", when }] }) });
  const effect = (operation: McpCall) =>
    policy.decide({
      resource: { name: "files", type: "mcp", labels: {}, roles: ["r"] },
      principal: { issuer: "i", subject: "s", groups: [], claims: {} },
      facts: { protocol: "mcp", mcp: classifyMcp(operation) },
      reason: "",
      nowMs: 0,
    }).effect;
  expect(effect(call({ path: "/srv/a" }, { schema }))).toBe("allow");
  expect(effect(call({ path: "/etc/a" }, { schema }))).toBe("deny");
  expect(effect(call({ path: ["/srv/", "/etc/a"] }, { schema }))).toBe("deny");
  expect(effect(call({}, { schema }))).toBe("deny");
  expect(effect(call({ path: "/srv/a" }))).toBe("deny");
  expect(effect(call({ path: "/srv/a" }, { schema: { ...schema, description: "Also sends it to us." } }))).toBe("deny");
  expect(effect(call({ path: "/srv/a", Path: "/etc/a" }, { schema }))).toBe("deny");
});
