import { beforeAll, describe, expect, test } from "vitest";
import type { PostgresParameter } from "../action.ts";
import { type ClassifyOptions, classify } from "../facts.ts";
import { CountersignError } from "../outcome.ts";
import { loadParser } from "./postgres/parser.ts";
import { isPrompt, rememberFacts } from "./postgres.ts";

beforeAll(loadParser);

const options: ClassifyOptions = { searchPath: ["public"] };

function ask(statement: string, parameters: readonly PostgresParameter[] = [], caps: Partial<ClassifyOptions> = {}) {
  return classify({ kind: "postgres.query", statement, parameters }, { ...options, ...caps });
}

function refusal(...given: Parameters<typeof ask>): string {
  try {
    ask(...given);
  } catch (error) {
    return error instanceof CountersignError ? `${error.code}: ${error.message}` : `untyped: ${error}`;
  }
  return "accepted";
}

test("a seen statement gives the same frozen facts; the search_path is part of what was seen", () => {
  expect(ask("select * from orders").sql).toBe(ask("select * from orders").sql);
  expect(ask("select * from orders", [], { searchPath: ["app"] }).sql.tables).toEqual(["app.orders"]);
  expect(ask("select * from orders").sql.tables).toEqual(["public.orders"]);
  expect(ask("select * from orders", [], { searchPath: ["app", "public"] }).sql.tables).toEqual(["app.orders", "public.orders"]);
  expect(Object.isFrozen(ask("select * from orders"))).toBe(true);
});

describe("what another thread classified", () => {
  const statement = `select a from t where b = $1 and c <> '${"x".repeat(20_000)}'; select 2`;
  const query = { kind: "postgres.query", statement, parameters: [{ text: "1" }] } as const;

  test("is known from then on, frozen, and its parameters are still checked", () => {
    expect(isPrompt({ ...query, statement: "select 1" }, options)).toBe(true);
    expect(isPrompt(query, options)).toBe(false);
    const facts = rememberFacts(query, options, structuredClone(classify(query, { searchPath: ["other"] })));
    expect(isPrompt(query, options)).toBe(true);
    expect(isPrompt(query, { searchPath: ["else"] })).toBe(false);
    expect(classify(query, options).sql).toBe(facts.sql);
    expect(classify(query, options).parts).toBe(facts.parts);
    expect(Object.isFrozen(facts.sql) && Object.isFrozen(facts.sql.tables) && Object.isFrozen(facts.parts?.[0])).toBe(true);
    expect(refusal(statement, [])).toMatch(/^invalid_parameter: .*expects 1/);
    expect(refusal(statement, query.parameters, { maxStatementBytes: 1000 })).toMatch(/^operation_too_large: /);
  });
});

describe("pg-parse", () => {
  test("a NUL byte is refused: the parser would stop there, the server not", () => {
    expect(refusal("select 1 \0; drop table t")).toMatch(/^invalid_operation: .*NUL/);
    expect(refusal("\0")).toMatch(/^invalid_operation: .*NUL/);
  });

  test("a lone surrogate is refused: it has no UTF-8 form", () => {
    expect(refusal("select '\ud800'")).toMatch(/^invalid_operation: .*Unicode/);
    expect(refusal("select 1 -- \udc00")).toMatch(/^invalid_operation: .*Unicode/);
    expect(refusal("select '\u{1F600}'")).toBe("accepted");
  });

  test("the cap counts UTF-8 bytes, exactly", () => {
    expect(refusal("select 'é'", [], { maxStatementBytes: 11 })).toBe("accepted");
    expect(refusal("select 'é'", [], { maxStatementBytes: 10 })).toMatch(/^operation_too_large: .*10 bytes/);
    expect(refusal(`select '${"x".repeat(1024 * 1024)}'`)).toMatch(/^operation_too_large: /);
    expect(refusal(`select '${"x".repeat(1024 * 1024 - 9)}'`)).toBe("accepted");
  });

  test("a statement that was seen under a larger cap is refused under a smaller one", () => {
    const statement = `select '${"y".repeat(100)}'`;
    expect(refusal(statement)).toBe("accepted");
    expect(refusal(statement, [], { maxStatementBytes: 50 })).toMatch(/^operation_too_large: /);
  });
});

describe("parameters", () => {
  test("must be as many as the statement uses, also when it was seen before", () => {
    const text = { text: "1" };
    expect(refusal("select $1", [text])).toBe("accepted");
    expect(refusal("select $1", [])).toBe(
      "invalid_parameter: 0 parameters were given, but the statement expects 1 (its highest is $1).",
    );
    expect(refusal("select $1", [text, text])).toMatch(
      /^invalid_parameter: 2 parameters were given, but the statement expects 1/,
    );
    expect(refusal("select 1", [text])).toBe("invalid_parameter: 1 parameter was given, but the statement uses none.");
    expect(refusal("select $2", [text])).toMatch(/^invalid_parameter: .*expects 2/);
  });

  test.each<[string, PostgresParameter, RegExp]>([
    ["a NUL byte", { text: "a\0b" }, /^invalid_parameter: \$1 holds a NUL/],
    ["a lone surrogate", { text: "\ud800" }, /^invalid_parameter: \$1 is not well-formed/],
    ["padding", { binary: "AA==" }, /^invalid_parameter: \$1 is not canonical base64url/],
    ["the plain alphabet", { binary: "+/+/" }, /^invalid_parameter: \$1/],
    ["spare bits", { binary: "AB" }, /^invalid_parameter: \$1/],
    ["spaces", { binary: "AA AA" }, /^invalid_parameter: \$1/],
    ["a cut group", { binary: "AAAAA" }, /^invalid_parameter: \$1/],
  ])("%s is refused", (_, parameter, expected) => {
    expect(refusal("select $1", [parameter])).toMatch(expected);
  });

  test.each<[string, PostgresParameter]>([
    ["NULL", null],
    ["empty text", { text: "" }],
    ["empty binary", { binary: "" }],
    ["binary", { binary: "-_8" }],
  ])("%s is accepted", (_, parameter) => {
    expect(refusal("select $1", [parameter])).toBe("accepted");
  });

  test("are capped together, and in number", () => {
    const parameter = { text: "x".repeat(600) };
    expect(refusal("select $1, $2", [parameter, parameter], { maxParameterBytes: 1200 })).toBe("accepted");
    expect(refusal("select $1, $2", [parameter, parameter], { maxParameterBytes: 1199 })).toMatch(/^operation_too_large: /);
    expect(refusal("select $65536", new Array(65_536).fill(null))).toMatch(/^invalid_parameter: .*at most 65535/);
  });
});
