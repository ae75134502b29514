import { once } from "node:events";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { get, HttpConnectors, plainSecret } from "../harness/http-connectors.ts";
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

describe("limits and ends", () => {
  test("a compressed body is read all the same: the credential is looked for in it", async () => {
    nginx.put("leak.txt", `before ${plainSecret} after`);
    upstream.answers.set("/gzip", async (_request, response) => {
      const { gzipSync } = await import("node:zlib");
      response.writeHead(200, { "content-encoding": "gzip" }).end(gzipSync(`before ${plainSecret} after`));
    });
    const { headers, body } = await run(get("/gzip"));
    expect(body).toBe(`before ${"*".repeat(plainSecret.length)} after`);
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
