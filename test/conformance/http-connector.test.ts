import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { httpResourceSchema } from "../../packages/sidecar/src/protocols/http/resource.ts";
import type { ResolveName } from "../../packages/sidecar/src/protocols/request/upstream.ts";
import { get, HttpConnectors, oddSecret } from "../harness/http-connectors.ts";
import type { HttpUpstream } from "../harness/http-upstream.ts";
import type { Nginx } from "../harness/nginx.ts";

let world: HttpConnectors;
let upstream: HttpUpstream;
let nginx: Nginx;

beforeAll(async () => {
  world = await HttpConnectors.start();
  ({ upstream, nginx } = world);
});
afterAll(() => world?.[Symbol.asyncDispose]());

const run: HttpConnectors["run"] = (operation, options) => world.run(operation, options);
const connectorTo: HttpConnectors["to"] = (...given) => world.to(...given);

describe("http-body, http-smuggle: what was bound is what the upstream parses", () => {
  test("method, target, headers and body as they are; framing made anew", async () => {
    const headers = [
      ["X-B", "2"],
      ["x-a", "1"],
      ["Content-Type", "application/json"],
      ["Connection", "keep-alive"],
      ["Content-Length", "7"],
    ] as const;
    const { outcome } = await run({
      kind: "http.request",
      method: "POST",
      path: "/a%20b/c?q=%C3%A9&x",
      headers,
      body: { text: '{"a":1}' },
    });
    expect(outcome).toMatchObject({ state: "succeeded", status: 200 });
    expect(upstream.last).toMatchObject({ method: "POST", target: "/a%20b/c?q=%C3%A9&x", body: '{"a":1}' });
    const sent = upstream.last.rawHeaders.filter((_, index) => index % 2 === 0);
    expect(
      sent.filter((name) => !/^(host|connection|content-length|accept-encoding|user-agent|authorization)$/i.test(name)),
    ).toEqual(["X-B", "x-a", "Content-Type"]);
    expect(upstream.last.headers).toMatchObject({
      host: `api.test:${upstream.port}`,
      "content-length": "7",
      "accept-encoding": "identity",
    });
  });

  test("the Host that a caller names is not sent", async () => {
    await run(get("/", { headers: [["Host", "admin.internal"]] }));
    expect(upstream.last.headers.host).toBe(`api.test:${upstream.port}`);
  });
});

describe("http-creds", () => {
  test.each([
    ["bearer", { authorization: "Bearer t0ken-of-the-target" }],
    ["basic", { authorization: `Basic ${Buffer.from(`svc:${oddSecret}`).toString("base64")}` }],
    ["header", { "x-api-key": oddSecret }],
  ])("%s is injected, and hidden wherever the target gives it back", async (role, fields) => {
    upstream.answers.set("/leak", (request, response) => {
      const given = JSON.stringify(request.headers);
      response.writeHead(200, {
        "x-echo": String(request.headers.authorization ?? request.headers["x-api-key"]),
        "set-cookie": "session=as-good",
      });
      for (const at of [0, 7, 30, 31, 60])
        response.write(given.slice(at, at === 60 ? undefined : [7, 30, 31, 60][[0, 7, 30, 31].indexOf(at)]));
      response.end();
    });
    const { head, body } = await run(get("/leak"), { role });
    expect(upstream.last.headers).toMatchObject(fields);
    const all = JSON.stringify(head) + body;
    for (const hidden of [
      "t0ken-of-the-target",
      oddSecret,
      JSON.stringify(oddSecret).slice(1, -1),
      Buffer.from(`svc:${oddSecret}`).toString("base64"),
    ])
      expect(all).not.toContain(hidden);
    expect(all).not.toContain("as-good");
    expect(all).toContain("****");
  });

  test("in the query; the caller's own of that name is refused", async () => {
    await run(get("/x?a=1"), { role: "query" });
    expect(upstream.last.target).toBe(`/x?a=1&api_key=${encodeURIComponent(oddSecret)}`);
    await expect(run(get("/x?API_KEY=mine"), { role: "query" })).rejects.toMatchObject({ code: "invalid_operation" });
  });

  test.each(["authorization", "Cookie", "x-api-key", "proxy-authorization"])("a caller's own %s is refused", async (name) => {
    await expect(run(get("/", { headers: [[name, "Basic mine"]] }))).rejects.toMatchObject({ code: "invalid_operation" });
  });

  test("unless it is configured to go on", async () => {
    const by = connectorTo(upstream.port, { callerCredentials: ["cookie"] });
    await run(get("/", { headers: [["cookie", "a=b"]] }), { by });
    expect(upstream.last.headers.cookie).toBe("a=b");
  });

  test("oauth2: a token is got once, kept while it is good, and hidden like every credential", async () => {
    let given = 0;
    const answers = [{ access_token: "acc3ss-t0ken-1", token_type: "Bearer", expires_in: 3600 }, { error: "invalid_client" }];
    upstream.answers.set("/token", (_request, response) =>
      response.writeHead(given === 0 ? 200 : 400).end(JSON.stringify(answers[Math.min(given++, 1)])),
    );
    const oauth2 = {
      tokenUrl: `https://api.test:${upstream.port}/token`,
      clientId: "svc:1",
      clientSecret: { env: "ODD" },
      scope: "read",
    };
    const by = connectorTo(upstream.port, { roles: { bearer: { oauth2 } } });
    const before = upstream.seen.length;
    const [one, two] = await Promise.all([run(get("/a"), { by }), run(get("/b"), { by })]);
    expect([one.outcome.state, two.outcome.state, given]).toEqual(["succeeded", "succeeded", 1]);
    expect(one.body + two.body).not.toContain("acc3ss-t0ken-1");
    const [asked, ...sent] = upstream.seen.slice(before);
    const pair = Buffer.from(asked?.headers.authorization?.slice(6) ?? "", "base64").toString();
    expect([asked?.body, pair]).toEqual([
      "grant_type=client_credentials&scope=read",
      `svc%3A1:${new URLSearchParams({ _: oddSecret }).toString().slice(2)}`,
    ]);
    expect(sent.map(({ headers }) => headers.authorization)).toEqual(["Bearer acc3ss-t0ken-1", "Bearer acc3ss-t0ken-1"]);
    expect(by.target("bearer").credential).toBe(`oauth2 svc:1 of ${oauth2.tokenUrl} for read`);
    // Another connector has no token yet, and gets none: nothing is sent.
    const other = connectorTo(upstream.port, { roles: { bearer: { oauth2 } } });
    await expect(run(get("/c"), { by: other })).rejects.toMatchObject({
      code: "target_credentials",
      message: expect.stringContaining("it answered 400"),
    });
    expect(upstream.last.target).toBe("/token");
  });

  test("a client certificate, to nginx", async () => {
    const { certificate: cert = "", key = "" } = upstream.authority?.client("the-sidecar") ?? {};
    const roles = { bearer: { certificate: { cert, key: { env: "MTLS" } } } };
    const by = connectorTo(nginx.port, { roles }, undefined, { MTLS: key });
    expect((await run(get("/who"), { by })).body).toContain("CN=the-sidecar");
  });
});

describe("http-ssrf", () => {
  test("a redirect is given back, by nginx", async () => {
    const { outcome, headers } = await run(get("/moved"), { by: connectorTo(nginx.port) });
    expect(outcome.status).toBe(302);
    expect(headers.get("location")).toBe("https://elsewhere.test/");
  });

  test.each([
    "127.0.0.1",
    "169.254.169.254",
    "::ffff:169.254.169.254",
    "::ffff:7f00:1",
    "fe80::1",
    "fd00:ec2::254",
    "10.0.0.1",
    "64:ff9b::7f00:1",
    "2002:7f00:1::",
    "0.0.0.0",
  ])("a name that means %s is not connected to", async (address) => {
    const lookup: ResolveName = (_name, _options, done) => done(null, [{ address, family: address.includes(":") ? 6 : 4 }]);
    const before = upstream.seen.length;
    const { outcome } = await run(get("/"), { by: connectorTo(upstream.port, { allowPrivate: false }, lookup) });
    expect(outcome).toMatchObject({
      state: "failed",
      failure: { code: "target_unavailable", message: expect.stringContaining("Nothing is sent") },
    });
    expect(upstream.seen).toHaveLength(before);
  });

  test("answers that change: what was looked up is what is connected to, and one bad answer is enough", async () => {
    let asked = 0;
    const lookup: ResolveName = (_name, _options, done) => {
      asked++;
      done(
        null,
        asked === 1
          ? [{ address: "127.0.0.1", family: 4 }]
          : [
              { address: "127.0.0.1", family: 4 },
              { address: "169.254.169.254", family: 4 },
            ],
      );
    };
    const by = connectorTo(upstream.port, {}, lookup);
    expect((await run(get("/"), { by })).outcome.state).toBe("succeeded");
    expect(asked).toBe(1);
    upstream.cut();
    expect((await run(get("/"), { by })).outcome).toMatchObject({ state: "failed" });
  });

  test.each([
    "https://2852039166",
    "https://0xa9fea9fe",
    "https://[::ffff:a9fe:a9fe]",
    "https://0251.0376.0251.0376",
    "http://api.test",
    "https://api.test/path",
    "https://u:p@api.test",
    "ftp://api.test",
  ])("the configuration takes no %s", (origin) => {
    expect(httpResourceSchema.safeParse({ ...world.resource(1), origin }).success).toBe(false);
  });

  test("a target that does not prove who it is gets nothing", async () => {
    const { outcome } = await run(get("/"), { by: connectorTo(upstream.port, { tls: "verify-full" }) });
    expect(outcome.failure).toMatchObject({ code: "target_unavailable", message: expect.stringContaining("does not prove") });
  });
});
