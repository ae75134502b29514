import { describe, expect, test } from "vitest";
import type { HttpRequest } from "../../action.ts";
import type { Decision } from "../../decision.ts";
import { loadPolicy } from "../../policy.ts";
import { classifyHttp, http } from "../http.ts";

const socket: HttpRequest = {
  kind: "http.request",
  method: "GET",
  path: "/live?room=7",
  headers: [
    ["Upgrade", "websocket"],
    ["Sec-WebSocket-Protocol", "chat"],
  ],
  streamed: true,
  connection: { id: "c" },
};

function decide(rules: string, operation: HttpRequest): Decision {
  return loadPolicy({ "p.yaml": `version: 1\nrules: [${rules}]` }).decide({
    resource: { name: "api", type: "http", labels: {}, roles: ["r"] },
    principal: { issuer: "i", subject: "s", groups: [], claims: {} },
    facts: { protocol: "http", http: classifyHttp(operation) },
    reason: "",
    nowMs: 0,
  });
}

const all = "{ id: all, effect: allow }";
const approval = "approval: { stages: [{ approvers: [group:x] }] }";

describe("a WebSocket", () => {
  test("is told apart; it reads nothing only, and is no body that is streamed", () => {
    expect(classifyHttp(socket)).toMatchObject({
      upgrade: "websocket",
      readOnly: false,
      opaque: false,
      streamed: false,
      bodyBytes: 0,
    });
    expect(classifyHttp({ ...socket, headers: [["upgrade", "WebSocket"]] })).toMatchObject({ upgrade: "websocket" });
    const { streamed: _, connection: __, ...plain } = socket;
    expect(classifyHttp({ ...plain, headers: [] })).toMatchObject({ upgrade: "", readOnly: true });
  });

  test("is never swept in by a rule that does not look at http.upgrade, whatever else allows it", () => {
    expect(decide(all, socket)).toMatchObject({ effect: "deny", message: expect.stringContaining("http.upgrade") });
    expect(decide(`{ id: get, effect: allow, when: 'http.method == "GET"' }`, socket)).toMatchObject({ effect: "deny" });
    const meant = `{ id: live, effect: allow, when: 'http.upgrade == "websocket" && http.path == "/live"' }`;
    expect(decide(`${all}, ${meant}`, socket)).toMatchObject({ effect: "allow", rules: ["live"] });
  });

  test("is not held by a rule that does not look at it, and not let through past such a rule either", () => {
    const sweeping = `{ id: hold, effect: review, when: 'http.path.startsWith("/")', ${approval} }`;
    const meant = `{ id: live, effect: allow, when: 'http.upgrade == "websocket"' }`;
    expect(decide(sweeping, socket)).toMatchObject({
      effect: "deny",
      rules: ["hold"],
      message: expect.stringContaining("http.upgrade"),
    });
    expect(decide(`${sweeping}, ${meant}`, socket)).toMatchObject({ effect: "deny", rules: ["hold"] });
    const held = `{ id: hold, effect: review, when: 'http.upgrade == "websocket"', ${approval} }`;
    expect(decide(`${held}, ${meant}`, socket)).toMatchObject({ effect: "review", rules: ["hold"] });
    expect(decide(sweeping, { kind: "http.request", method: "GET", path: "/", headers: [] })).toMatchObject({ effect: "review" });
  });

  test.each([
    ["without a client at its other end", { streamed: undefined }],
    ["by POST", { method: "POST" }],
    ["with a body", { body: { text: "x" } }],
    ["to another protocol", { headers: [["Upgrade", "h2c"]] }],
    ["to two", { headers: [["Upgrade", "websocket, h2c"]] }],
    [
      "twice",
      {
        headers: [
          ["Upgrade", "websocket"],
          ["upgrade", "websocket"],
        ],
      },
    ],
    ["not at all", { headers: [["Sec-WebSocket-Key", "AAAAAAAAAAAAAAAAAAAAAA=="]] }],
  ])("is refused %s", (_, more) => {
    const { streamed, ...rest } = { ...socket, ...more };
    const operation = { ...rest, ...(streamed && { streamed }) } as HttpRequest;
    expect(() => classifyHttp(operation)).toThrow(/.../);
  });
});

describe("a stream of events", () => {
  const get = (more: Partial<HttpRequest>): HttpRequest => ({
    kind: "http.request",
    method: "GET",
    path: "/events",
    headers: [],
    ...more,
  });
  const json = (text: string) => get({ method: "POST", headers: [["Content-Type", "application/json"]], body: { text } });
  test.each([
    get({ headers: [["Accept", "text/event-stream"]] }),
    get({ headers: [["Accept", "application/json, Text/Event-Stream;q=0.5"]] }),
    get({
      headers: [
        ["Accept", "*/*"],
        ["Accept", "text/event-stream"],
      ],
    }),
    get({ path: "/generate?alt=SSE" }),
    json('{"stream":true}'),
  ])("is asked for by %j, and an allow rule has to look at that", (operation) => {
    const facts = classifyHttp(operation);
    expect([facts.events, http.mustName?.(facts)]).toEqual([true, ["events"]]);
    expect(decide(all, operation)).toMatchObject({ effect: "deny", message: expect.stringContaining("http.events") });
    expect(decide("{ id: live, effect: allow, when: http.events }", operation)).toMatchObject({ effect: "allow" });
    // It is exactly what is asked for that a person agrees to.
    expect(decide(`{ id: hold, effect: review, ${approval} }`, operation)).toMatchObject({ effect: "review" });
  });

  test.each([
    get({ headers: [["Accept", "*/*"]] }),
    get({ headers: [["Accept", "text/event-streams, x/text/event-stream"]] }),
    json('{"stream":"true"}'),
    json('{"a":{"stream":true}}'),
    json('["stream"]'),
    json("null"),
  ])("is not asked for by %j", (operation) => {
    expect(classifyHttp(operation).events).toBe(false);
  });
});
