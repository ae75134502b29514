import { beforeAll, describe, expect, test } from "vitest";
import { loadParser } from "../../facts/postgres/parser.ts";
import { questionOf } from "../../testing-policy.ts";
import { loadRules } from "../load.ts";

beforeAll(loadParser);

/** What a condition gives for a statement that selects; claims hold what CEL cannot be told otherwise. */
function evaluate(when: string, claims: Record<string, never> | object = {}): unknown {
  const [rule] = loadRules({ "p.yaml": JSON.stringify({ version: 1, rules: [{ id: "a", effect: "deny", when }] }) });
  if (rule?.condition === undefined) throw new Error("no condition");
  const principal = { issuer: "i", subject: "s", groups: [], claims: JSON.parse(JSON.stringify(claims)) };
  return rule.condition.evaluatePart(rule.condition.ast, questionOf("select a from t", { principal, reason: "Größe" }));
}

describe("where CEL and the library differ, CEL counts", () => {
  test.each([
    // Code points, not UTF-16 units.
    '"\\uffff" < "😀" && !("😀" < "\\uffff") && "😀" > "z" && "a" < "ab"',
    '"😀".size() == 1 && size("a😀b") == 3 && size("") == 0',
    // ASCII only: the Kelvin sign is no k.
    '"AbÄ".lowerAscii() == "abÄ" && "\u212a".lowerAscii() != "k" && "äß".upperAscii() == "äß" && "abz".upperAscii() == "ABZ"',
    // Times do not depend on the machine's zone, nor on its summer time.
    'timestamp("2026-03-29T01:30:00Z").getHours("Europe/Berlin") == 3 && timestamp("2026-03-29T00:30:00Z").getHours("Europe/Berlin") == 1',
    'timestamp("2026-01-01T00:30:00Z").getFullYear("America/New_York") == 2025 && timestamp("2026-01-01T00:30:00Z").getDate("+05:30") == 1',
    'timestamp("2026-12-31T23:59:59Z").getDayOfYear() == 364 && timestamp("2024-12-31T00:00:00Z").getDayOfYear() == 365 && timestamp("2026-03-01T00:00:00Z").getDayOfYear() == 59',
    'timestamp("2026-07-05T00:00:00Z").getMonth() == 6 && timestamp("2026-07-05T00:00:00Z").getDayOfMonth() == 4 && timestamp("2026-07-05T00:00:00Z").getDayOfWeek() == 0',
    'timestamp("2026-01-01T00:00:00.250Z").getMilliseconds() == 250 && timestamp("2026-01-01T01:00:00+01:00") == timestamp("2026-01-01T00:00:00Z")',
    // Durations may be negative.
    'duration("-1.5s") + duration("5ms") == duration("-1495ms") && duration("1h") - duration("90m") == duration("-30m") && duration("-30m").getMinutes() == -30',
    'timestamp("2026-01-01T00:00:00Z") + duration("-1s") < timestamp("2026-01-01T00:00:00Z") && duration("36h").getHours() == 36',
    "-9223372036854775808 < 0 && -7 / 2 == -3 && -7 % 2 == -1 && 7.0 / 2.0 == 3.5",
    'int("-12") == -12 && double("1.5e3") == 1500.0 && string(-1.5) == "-1.5" && bool("TRUE") && !bool("0") && string(true) == "true"',
    '{"a": 1}.a == 1 && {"__proto__": 5}["__proto__"] == 5 && {"a": [1, 2]} == {"a": [1, 2]} && {"a": 1} != {"b": 1} && "a" in {"a": 1}',
    '"a,b,c".split(",") == ["a", "b", "c"] && ["a", "b"].join("-") == "a-b" && ["a", "b"].join() == "ab" && " x ".trim() == "x"',
  ])("%s", (text) => {
    expect(evaluate(text)).toBe(true);
  });

  test.each([
    ["-9223372036854775808 / -1 == 0", "the number is too large (int has 64 bits)"],
    ["-(-9223372036854775808) > 0", "the number is too large (int has 64 bits)"],
    ['int(string(sql.statements) + "9223372036854775807") > 0', "int() cannot be made of this value"],
    ['int(reason.split("x")[0].trim().split("G")[0]) == 0', "int() cannot be made of this value"],
    ["sql.statements % 0 == 1", "division by zero"],
    ["timestamp(reason) < now", "timestamp() cannot be made of this value"],
    ["sql.tables.exists_one(t, dyn(t))", "the predicate of a loop must give true or false"],
    ["sql.tables.filter(t, 1 / 0 == 1) == []", "division by zero"],
    ["sql.tables.map(t, sql.tables[7]) == []", "No such element: the index is out of bounds"],
    ["dyn(reason) || false", "&& and || need true or false on both sides"],
  ])("%s fails: %s", (text, message) => {
    expect(() => evaluate(text)).toThrow(new Error(message));
  });
});

test("one side that decides absorbs the other side's failure, in either order", () => {
  for (const text of [
    "!(1 / 0 == 1 && false) && !(false && 1 / 0 == 1)",
    "(1 / 0 == 1 || true) && (true || 1 / 0 == 1)",
    "(1 / 0 == 1 || false || true) && !(true && 1 / 0 == 1 && false)",
    "[0, 1, 2].exists(x, 2 / x == 2) && ![1, 0].all(x, 2 / x == 1)",
    "true ? true : 1 / 0 == 1",
  ])
    expect(evaluate(text), text).toBe(true);
  for (const text of ["1 / 0 == 1 || false", "true && 1 / 0 == 1", "[0, 1].all(x, 2 / x == 2)", "[0, 4].exists(x, 2 / x == 2)"])
    expect(() => evaluate(text), text).toThrow("division by zero");
});

test("what a map inherits is not in it", () => {
  expect(evaluate("!has(principal.claims.constructor) && !('toString' in principal.claims)")).toBe(true);
  expect(() => evaluate("principal.claims.constructor == 1")).toThrow("No such key: constructor");
  expect(() => evaluate("principal.claims['__proto__'] == 1")).toThrow("No such key");
  expect(evaluate("principal.claims.constructor == 1", { constructor: 1 })).toBe(true);
});

test("an element hides an outer one of the same name, and shared parts keep apart what looks at elements", () => {
  expect(evaluate('["a"].exists(x, ["b"].exists(x, x == "b")) && ["a", "b"].exists(x, ["b"].all(y, x.contains(y)))')).toBe(true);
  expect(evaluate('["a", "b"].map(x, ["b"].exists(y, x.contains("b"))) == [false, true]')).toBe(true);
  expect(evaluate('["a", "b"].map(x, ["q"].exists(x, x.contains("q"))) == [true, true]')).toBe(true);
});
