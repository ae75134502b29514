import { once } from "node:events";
import { classify, type HttpRequest, type Limits, type Outcome } from "@countersign/policy";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Connector, ResultChunk } from "../../packages/sidecar/src/protocols/connector.ts";
import { openHttpConnector } from "../../packages/sidecar/src/protocols/http/connector.ts";
import { httpResourceSchema } from "../../packages/sidecar/src/protocols/http/resource.ts";
import type { ResolveName } from "../../packages/sidecar/src/protocols/request/upstream.ts";
import { HttpUpstream } from "../harness/http-upstream.ts";
import { Nginx } from "../harness/nginx.ts";

const secret = 'S3cr3t/of+the"target';
const env = { TOKEN: "t0ken-of-the-target", ODD: secret, KEY: "" };
const toLoopback: ResolveName = (_name, _options, done) => done(null, [{ address: "127.0.0.1", family: 4 }]);

let upstream: HttpUpstream;
let nginx: Nginx;
let connector: Connector;
const open: Connector[] = [];

beforeAll(async () => {
  upstream = await HttpUpstream.start("api.test");
  const { authority } = upstream;
  if (authority === undefined) throw new Error("no authority");
  nginx = await Nginx.start(
    authority,
    "location = /moved { return 302 https://elsewhere.test/; } location = /who { return 200 $ssl_client_s_dn; } gzip on; gzip_min_length 1; gzip_types text/plain;",
  );
  env.KEY = authority.client("the-sidecar").key;
  connector = connectorTo(upstream.port);
});

afterAll(async () => {
  await Promise.all(open.map((one) => one.close()));
  await upstream?.[Symbol.asyncDispose]();
  await nginx?.[Symbol.asyncDispose]();
});

function resource(port: number, more: object = {}) {
  return {
    ...{
      name: "billing",
      type: "http",
      origin: `https://api.test:${port}`,
      allowPrivate: true,
      tls: { ca: upstream.authority?.ca },
    },
    roles: {
      bearer: { bearer: { env: "TOKEN" } },
      basic: { basic: { user: "svc", password: { env: "ODD" } } },
      header: { header: { name: "X-Api-Key", value: { env: "ODD" } } },
      query: { query: { name: "api_key", value: { env: "ODD" } } },
      none: {},
    },
    ...more,
  };
}

function connectorTo(port: number, more: object = {}, lookup = toLoopback): Connector {
  const one = openHttpConnector(httpResourceSchema.parse(resource(port, more)), { folder: ".", env, lookup });
  open.push(one);
  return one;
}

function get(path: string, more: Partial<HttpRequest> = {}): HttpRequest {
  return { kind: "http.request", method: "GET", path, headers: [], ...more };
}

interface RunOptions {
  readonly role?: string;
  readonly by?: Connector;
  readonly limits?: Limits;
  readonly signal?: AbortSignal;
  readonly readOnly?: boolean;
  readonly onChunk?: (chunk: ResultChunk) => void | Promise<void>;
}

async function run(operation: HttpRequest, options: RunOptions = {}) {
  const {
    role = "bearer",
    by = connector,
    limits = {},
    signal = new AbortController().signal,
    readOnly = true,
    onChunk,
  } = options;
  by.accept(operation, classify(operation, { searchPath: [] }));
  const dispatch = by.dispatch(operation, role, limits, { signal, readOnly });
  const parts: Buffer[] = [];
  let head: Extract<ResultChunk, { type: "response" }> | undefined;
  try {
    await dispatch.prepare();
    const outcome: Outcome = await dispatch.run((chunk) => {
      if (chunk.type === "response") head = chunk;
      if (chunk.type === "body") parts.push(Buffer.from(chunk.data));
      return onChunk?.(chunk);
    });
    return {
      outcome,
      head,
      headers: new Headers((head?.headers ?? []).map(([name, value]): [string, string] => [name, value])),
      body: Buffer.concat(parts).toString(),
    };
  } finally {
    await dispatch.close();
  }
}

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
    ["basic", { authorization: `Basic ${Buffer.from(`svc:${secret}`).toString("base64")}` }],
    ["header", { "x-api-key": secret }],
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
      secret,
      JSON.stringify(secret).slice(1, -1),
      Buffer.from(`svc:${secret}`).toString("base64"),
    ])
      expect(all).not.toContain(hidden);
    expect(all).not.toContain("as-good");
    expect(all).toContain("****");
  });

  test("in the query; the caller's own of that name is refused", async () => {
    await run(get("/x?a=1"), { role: "query" });
    expect(upstream.last.target).toBe(`/x?a=1&api_key=${encodeURIComponent(secret)}`);
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

  test("a client certificate, to nginx", async () => {
    const cert = upstream.authority?.client("ignored");
    const certificate = { cert: cert?.certificate, key: { env: "MTLS" } };
    const by = openHttpConnector(httpResourceSchema.parse(resource(nginx.port, { roles: { bearer: { certificate } } })), {
      folder: ".",
      env: { MTLS: cert?.key },
      lookup: toLoopback,
    });
    open.push(by);
    expect((await run(get("/who"), { by })).body).toContain("CN=ignored");
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
    expect(httpResourceSchema.safeParse({ ...resource(1), origin }).success).toBe(false);
  });

  test("a target that does not prove who it is gets nothing", async () => {
    const { outcome } = await run(get("/"), { by: connectorTo(upstream.port, { tls: "verify-full" }) });
    expect(outcome.failure).toMatchObject({ code: "target_unavailable", message: expect.stringContaining("does not prove") });
  });
});

describe("limits and ends", () => {
  test("a compressed body is read all the same: the credential is looked for in it", async () => {
    nginx.put("leak.txt", `before ${env.TOKEN} after`);
    upstream.answers.set("/gzip", async (_request, response) => {
      const { gzipSync } = await import("node:zlib");
      response.writeHead(200, { "content-encoding": "gzip" }).end(gzipSync(`before ${env.TOKEN} after`));
    });
    const { headers, body } = await run(get("/gzip"));
    expect(body).toBe(`before ${"*".repeat(env.TOKEN.length)} after`);
    expect(headers.has("content-encoding")).toBe(false);
    expect((await run(get("/leak.txt"), { by: connectorTo(nginx.port) })).body).toBe(body);
  });

  test("an encoding that is not known is withheld", async () => {
    upstream.answers.set("/odd", (_request, response) => response.writeHead(200, { "content-encoding": "rot13" }).end("x"));
    const { outcome, body } = await run(get("/odd"));
    expect(outcome).toMatchObject({ state: "failed", status: 200, failure: { code: "target_error" } });
    expect(body).toBe("");
  });

  test("bytes are cut at exactly the limit", async () => {
    upstream.answers.set("/long", (_request, response) => response.end(Buffer.alloc(300_000, "a")));
    const { outcome, body } = await run(get("/long"), { limits: { bytes: 100_001 } });
    expect(body).toHaveLength(100_001);
    expect(outcome).toMatchObject({ state: "failed", bytes: 100_001, status: 200, failure: { code: "limit_exceeded" } });
  });

  test.each([
    [true, { state: "failed", failure: { code: "limit_exceeded" } }],
    [false, { state: "unknown", failure: { code: "unknown_outcome" } }],
  ])("time, before it answers (read-only: %s)", async (readOnly, expected) => {
    upstream.answers.set("/never", () => {});
    expect((await run(get("/never"), { limits: { timeMs: 150 }, readOnly })).outcome).toMatchObject(expected);
  });

  test("whoever cancels breaks it off: the target's connection ends", async () => {
    const gone = Promise.withResolvers<void>();
    upstream.answers.set("/slow", (request, response) => {
      request.socket.once("close", () => gone.resolve());
      response.write("some");
    });
    const abort = new AbortController();
    const { outcome } = await run(get("/slow"), { signal: abort.signal, onChunk: () => abort.abort() });
    expect(outcome).toMatchObject({ state: "failed", failure: { code: "cancelled" } });
    await gone.promise;
  });

  test("an answer that breaks off is no success", async () => {
    upstream.answers.set("/broken", (_request, response) => {
      response.writeHead(200, { "content-length": "100" }).write("some");
      setTimeout(() => response.destroy(), 20);
    });
    expect((await run(get("/broken"), { readOnly: false })).outcome).toMatchObject({
      state: "failed",
      status: 200,
      failure: { code: "target_lost", retryable: false },
    });
  });

  test("a connection that ends before any answer: a write is unknown, and never sent again", async () => {
    upstream.answers.set("/dies", (request) => request.socket.destroy());
    const before = upstream.seen.length;
    expect((await run(get("/dies", { method: "POST" }), { readOnly: false })).outcome.state).toBe("unknown");
    expect((await run(get("/dies"))).outcome).toMatchObject({
      state: "failed",
      failure: { code: "target_lost", retryable: true },
    });
    expect(upstream.seen).toHaveLength(before + 2);
  });

  test("a slow caller holds the target up", async () => {
    let written = 0;
    upstream.answers.set("/flood", async (_request, response) => {
      while (!response.destroyed && written < 50_000_000) {
        written += 65_536;
        if (!response.write(Buffer.alloc(65_536))) await Promise.race([once(response, "drain"), once(response, "close")]);
      }
    });
    const abort = new AbortController();
    const blocked = Promise.withResolvers<void>();
    const running = run(get("/flood"), {
      signal: abort.signal,
      onChunk: (chunk) => (chunk.type === "body" ? blocked.promise : undefined),
    });
    await new Promise((resolve) => setTimeout(resolve, 400));
    expect(written).toBeLessThan(20_000_000);
    abort.abort();
    expect((await running).outcome.failure?.code).toBe("cancelled");
  });
});
