import { afterAll, beforeAll, expect, test } from "vitest";
import type { Connector } from "../../packages/sidecar/src/protocols/connector.ts";
import { get, HttpConnectors, plainSecret } from "../harness/http-connectors.ts";

let world: HttpConnectors;
let nginx: Connector;

const limits = { masks: ["/**/email"] };
const hidden = "carol@example.com";
const whole = JSON.stringify({
  customers: [
    { email: hidden, id: 1 },
    { email: null, id: 2 },
  ],
  padding: "x".repeat(2000),
});

beforeAll(async () => {
  world = await HttpConnectors.start();
  nginx = world.to(world.nginx.port);
  world.nginx.put("customers.json", whole);
});
afterAll(() => world?.[Symbol.asyncDispose]());

test("what nginx serves, with its own length and tag, is masked", async () => {
  const { outcome, head, headers, body } = await world.run(get("/customers.json"), { by: nginx, limits });
  expect(outcome).toMatchObject({ state: "succeeded", status: 200, bytes: body.length });
  expect(body).toBe(whole.replace(hidden, "****"));
  expect([headers.get("content-length"), headers.has("etag"), headers.has("accept-ranges")]).toEqual([
    String(body.length),
    false,
    false,
  ]);
  expect(JSON.stringify(head)).not.toContain(hidden);
});

test("a part of it, which nginx gives by Range, is withheld: nothing says where in the whole it stands", async () => {
  const range = get("/customers.json", { headers: [["Range", "bytes=20-60"]] });
  const { outcome, head, body } = await world.run(range, { by: nginx, limits });
  expect(outcome).toMatchObject({ state: "failed", status: 206, failure: { code: "target_error" } });
  expect([head, body]).toEqual([undefined, ""]);
});

test("HEAD tells neither its length nor its tag", async () => {
  const { outcome, headers, body } = await world.run(get("/customers.json", { method: "HEAD" }), { by: nginx, limits });
  expect([outcome.state, headers.has("content-length"), headers.has("etag"), body]).toEqual(["succeeded", false, false, ""]);
});

test("a page of nginx's own about what is not there is withheld", async () => {
  const { outcome, head } = await world.run(get("/missing"), { by: nginx, limits });
  expect([outcome.status, outcome.failure?.message, head]).toEqual([404, expect.stringContaining("not JSON"), undefined]);
});

test("an answer that breaks off shows nothing of what had come", async () => {
  world.upstream.answers.set("/broken", (_request, response) => {
    response.writeHead(200, { "content-type": "application/json", "content-length": "1000" });
    response.write(`{"email":"${hidden}"`, () => response.destroy());
  });
  const { outcome, head, body } = await world.run(get("/broken"), { limits });
  expect(outcome).toMatchObject({ state: "failed", failure: { code: "target_lost" } });
  expect([head, body]).toEqual([undefined, ""]);
});

test("one that never ends is broken off at the bound, and at the policy's time", async () => {
  world.upstream.answers.set("/endless", (_request, response) => {
    response.writeHead(200, { "content-type": "application/json" });
    response.on("drain", () => response.write(Buffer.alloc(65_536, " ")));
    for (let part = 0; part < 40; part++) response.write(Buffer.alloc(65_536, " "));
  });
  const long = await world.run(get("/endless"), { limits });
  expect([long.outcome.failure?.message, long.head]).toEqual([expect.stringContaining("longer than 4194304 bytes"), undefined]);
  world.upstream.answers.set("/silent", (_request, response) => {
    response.writeHead(200, { "content-type": "application/json" });
    response.write("{");
  });
  const slow = await world.run(get("/silent"), { limits: { ...limits, timeMs: 100 } });
  expect(slow.outcome).toMatchObject({ state: "failed", failure: { code: "limit_exceeded" } });
});

test("masked and without the credential, and cut at the policy's bytes", async () => {
  world.upstream.answers.set("/both", (request, response) => {
    response.writeHead(200, { "content-type": "application/json" });
    response.end(JSON.stringify({ email: hidden, you: request.headers.authorization }));
  });
  const both = await world.run(get("/both"), { limits });
  expect(JSON.parse(both.body)).toEqual({ email: "****", you: `Bearer ${"*".repeat(plainSecret.length)}` });
  const cut = await world.run(get("/both"), { limits: { ...limits, bytes: 12 } });
  expect([cut.body, cut.outcome.failure?.code]).toEqual(['{"email":"**', "limit_exceeded"]);
});
