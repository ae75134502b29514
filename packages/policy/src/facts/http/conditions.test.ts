import { describe, expect, test } from "vitest";
import type { HttpRequest } from "../../action.ts";
import type { Decision } from "../../decision.ts";
import { classify, type Facts } from "../../facts.ts";
import { loadPolicy } from "../../policy.ts";

const body = {
  amount: 100,
  rate: 1.5,
  owed: -1,
  currency: "EUR",
  urgent: true,
  note: null,
  items: [1, 2, { sku: "b" }],
  to: { account: { id: 7 } },
  toString: 3,
};

/** What one rule with this condition says about a request. */
function decide(when: string, sent: unknown = body, effect = "allow", path = "/refunds?status=open"): Decision {
  const operation: HttpRequest = {
    kind: "http.request",
    method: "POST",
    path,
    headers: [
      ["Content-Type", "application/json"],
      ["If-Match", "*"],
    ],
    body: { text: JSON.stringify(sent) },
  };
  const policy = loadPolicy({ "p.yaml": JSON.stringify({ version: 1, rules: [{ id: "rule", effect, when }, ...rest(effect)] }) });
  const facts: Facts = classify(operation, { searchPath: [] });
  return policy.decide({
    resource: { name: "api", type: "http", labels: {}, roles: ["r"] },
    principal: { issuer: "i", subject: "s", groups: [], claims: {} },
    facts,
    reason: "",
    nowMs: 0,
  });
}

/** Beside a rule that denies, one that allows all: what the denial misses would run. */
function rest(effect: string) {
  return effect === "deny" ? [{ id: "all", effect: "allow", when: "!http.opaque" }] : [];
}

describe("a condition on a JSON body holds as it reads", () => {
  test.each([
    "http.body.amount > 99",
    "http.body.amount >= 100 && http.body.amount <= 100 && !(http.body.amount > 100) && !(http.body.amount != 100)",
    "http.body.amount == 100 && 100 == http.body.amount && http.body.amount == 100.0",
    "http.body.amount in [100, 200] && !(http.body.amount in [1])",
    "int(http.body.amount) % 2 == 0 && int(http.body.amount) + 1 == 101 && http.body.amount * 2.0 == 200.0",
    "http.body.rate == 1.5 && http.body.rate > 1 && http.body.rate < 2 && http.body.owed < 0",
    'http.body.currency == "EUR" && http.body.currency in ["EUR", "USD"] && http.body.currency.startsWith("E")',
    "http.body.urgent && http.body.urgent == true && http.body.note == null",
    "size(http.body.items) == 3 && http.body.items[0] == 1 && 2 in http.body.items && !(3 in http.body.items)",
    'http.body.items.exists(item, item == 2) && http.body.items[2].sku == "b"',
    "http.body.to.account.id == 7 && has(http.body.to.account.id) && http.body.to == {'account': {'id': 7}}",
    'has(http.body.amount) && !has(http.body.missing) && "amount" in http.body && !("missing" in http.body)',
    "http.body.toString == 3 && !has(http.body.constructor) && !has(http.body.hasOwnProperty) && !has(http.body.__proto__)",
    'http.query.status == ["open"] && "open" in http.query.status && http.query.status[0] == "open" && !has(http.query.page)',
    'http.headers["if-match"] == ["*"] && !("constructor" in http.headers) && !("toString" in http.query)',
    'http.method == "POST" && http.segments == ["refunds"] && http.path == "/refunds" && http.bodyBytes > 100',
    'http.contentType == "application/json" && !http.readOnly && http.doubts.size() == 0',
  ])("%s", (when) => {
    expect(decide(when)).toMatchObject({ effect: "allow" });
  });
});

describe("a condition that asks for what is not there denies, also in a rule that denies", () => {
  test.each([
    "http.body.missing == 1",
    "http.body.missing > 1",
    "http.body.to.nothing.id == 7",
    "has(http.body.nothing.id)",
    "http.body.items[9] == 1",
    "http.body.items[-1] == 1",
    "http.body.constructor == 1",
    "http.body.__proto__ == 1",
    "http.body.currency > 1",
    "http.body.note > 1",
    'http.body.amount.startsWith("1")',
    "http.body.amount + 1 == 101",
    "!http.body.currency",
    "http.query.page == ['1']",
    'http.headers["x-tenant"] == ["a"]',
    "http.segments[3] == 'x'",
  ])("%s", (when) => {
    for (const effect of ["allow", "deny"]) {
      const decision = decide(when, body, effect);
      expect(decision.effect).toBe("deny");
      expect(decision.message).toMatch(/could not be evaluated/);
    }
  });

  test.each([null, "text", 5, [1, 2], true])("when the body is %j", (sent) => {
    expect(decide("http.body.amount > 100", sent, "deny")).toMatchObject({ effect: "deny", rules: ["rule"] });
    expect(decide("http.body.amount < 100", sent)).toMatchObject({ effect: "deny" });
    expect(decide("has(http.body.amount) && http.body.amount < 100", sent)).toMatchObject({ effect: "deny" });
  });
});

describe("a body that is made to avoid a limit does not", () => {
  const limit = "http.body.amount > 100";
  test.each([
    ["plainly", { amount: 101 }],
    ["as text", { amount: "101" }],
    ["as a list", { amount: [101] }],
    ["as an object", { amount: { value: 101 } }],
    ["by null", { amount: null }],
    ["by another case", { Amount: 101 }],
    ["by leaving it out", {}],
    ["by the prototype", JSON.parse('{"__proto__":{"amount":101}}')],
    ["in a list", [{ amount: 101 }]],
    ["by depth", { amount: 1, x: JSON.parse("[".repeat(80) + "]".repeat(80)) }],
    ["by length", { amount: 1, x: new Array(600).fill(1) }],
  ])("%s", (_, sent) => {
    expect(decide(limit, sent, "deny").effect).toBe("deny");
    expect(decide(`!(${limit})`, sent).effect).toBe("deny");
  });

  test("and what is within the limit runs", () => {
    expect(decide(limit, { amount: 100 }, "deny").effect).toBe("allow");
    expect(decide(`!(${limit})`, { amount: 100 }).effect).toBe("allow");
  });
});
