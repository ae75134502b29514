import type { Countersign } from "@countersign/sdk";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type ApproverConnection, approverClient, vote } from "../harness/approver.ts";
import { type HttpWorld, httpWorld, targetToken } from "../harness/http-world.ts";

let world: HttpWorld;
let cs: Countersign;
let alice: ApproverConnection;

beforeAll(async () => {
  world = await httpWorld();
  cs = world.instance.client();
  alice = await approverClient(world.instance, "alice");
});
afterAll(async () => {
  await cs?.close();
  alice?.[Symbol.dispose]();
  await world?.[Symbol.asyncDispose]();
});

const json = { "content-type": "application/json" };

describe("cs.http().fetch is a fetch", () => {
  test("a path, or a full URL of the resource's origin; other origins are refused", async () => {
    const { fetch } = cs.http("billing");
    const response = await fetch("/orders/7?open");
    expect(response).toBeInstanceOf(Response);
    expect([response.status, response.ok, response.headers.get("content-type")]).toEqual([200, true, "application/json"]);
    expect(await response.json()).toMatchObject({ method: "GET", target: "/orders/7?open" });
    expect((await fetch(`${world.origin}/orders/8`)).url).toBe(`${world.origin}/orders/8`);
    await expect(fetch("https://elsewhere.test/orders")).rejects.toMatchObject({ code: "invalid_operation" });
    await expect(fetch("http://169.254.169.254/latest/meta-data")).rejects.toMatchObject({ code: "invalid_operation" });
  });

  test("http-creds: the agent's own credentials stay here, the target's there", async () => {
    const headers = { authorization: "Bearer agents-own", cookie: "a=b", "x-tenant": "t1" };
    const text = await (await cs.http("billing").fetch("/who", { headers })).text();
    expect(world.upstream.last.headers).toMatchObject({ authorization: `Bearer ${targetToken}`, "x-tenant": "t1" });
    expect(world.upstream.last.headers).not.toHaveProperty("cookie");
    expect(text).not.toContain(targetToken);
    await expect(cs.http("billing").fetch("/who", { headers, ownCredentials: ["cookie"] })).rejects.toMatchObject({
      code: "invalid_operation",
    });
  });

  test("bodies of every kind, byte for byte", async () => {
    const { fetch } = cs.http("billing");
    await fetch("/echo", { method: "POST", body: new URLSearchParams({ a: "1 2" }) });
    expect(world.upstream.last).toMatchObject({
      body: "a=1+2",
      headers: { "content-type": "application/x-www-form-urlencoded;charset=UTF-8" },
    });
    await fetch("/echo", { method: "post", headers: json, body: new Blob(['{"a":1}']).stream() });
    expect(world.upstream.last).toMatchObject({ method: "POST", body: '{"a":1}' });
    const seen = world.upstream.seen.length;
    const large = new Blob([Buffer.alloc(5_000_000)]);
    for (const body of [large, large.stream()])
      await expect(fetch("/echo", { method: "POST", headers: json, body })).rejects.toMatchObject({
        code: "operation_too_large",
        message: expect.stringMatching(/nothing was sent.*base URL.*sidecar\.http.*http\.streamed/),
      });
    expect(world.upstream.seen).toHaveLength(seen);
  });

  test("a stream of events is read while it is written", async () => {
    const second = Promise.withResolvers<void>();
    world.upstream.answers.set("/events/1", async (_request, response) => {
      response.writeHead(200, { "content-type": "text/event-stream" }).write("data: one\n\n");
      await second.promise;
      response.end("data: two\n\n");
    });
    const response = await cs.http("billing").fetch("/events/1", { headers: { accept: "text/event-stream" } });
    expect(response.headers.get("content-type")).toBe("text/event-stream");
    const heard: string[] = [];
    for await (const part of response.body ?? []) {
      heard.push(Buffer.from(part).toString());
      second.resolve();
    }
    expect(heard.join("")).toBe("data: one\n\ndata: two\n\n");
    await expect(cs.http("billing").fetch("/orders", { headers: { accept: "text/event-stream" } })).rejects.toMatchObject({
      code: "denied",
    });
  });

  test("a status that says no is a response, as with fetch; a redirect is given back", async () => {
    world.upstream.answers.set("/gone", (_request, response) => response.writeHead(410).end("gone"));
    world.upstream.answers.set("/moved", (_request, response) =>
      response.writeHead(302, { location: "https://elsewhere.test/" }).end(),
    );
    world.upstream.answers.set("/nothing", (_request, response) => response.writeHead(204).end());
    const { fetch } = cs.http("billing");
    expect(await (await fetch("/gone")).text()).toBe("gone");
    expect((await fetch("/moved")).headers.get("location")).toBe("https://elsewhere.test/");
    expect((await fetch("/nothing")).body).toBe(null);
    expect((await fetch("/orders", { method: "HEAD" })).status).toBe(200);
  });

  test("a long body streams, no faster than it is read, and ends with the connection when nobody reads on", async () => {
    let written = 0;
    const ended = Promise.withResolvers<void>();
    world.upstream.answers.set("/long", async (_request, response) => {
      response.once("close", () => ended.resolve());
      const part = Buffer.alloc(65_536, "a");
      for (; written < 400_000_000 && !response.destroyed; written += part.length)
        if (!response.write(part))
          await new Promise<void>((resolve) => {
            response.once("drain", resolve);
            void ended.promise.then(resolve);
          });
    });
    const response = await cs.http("billing").fetch("/long");
    const reader = response.body?.getReader();
    const { value } = (await reader?.read()) ?? {};
    expect(value?.[0]).toBe(97);
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(written).toBeLessThan(100_000_000);
    await reader?.cancel();
    await ended.promise;
  });

  test("an answer that breaks off is an error of its body", async () => {
    world.upstream.answers.set("/broken", (_request, response) => {
      response.writeHead(200, { "content-length": "100" }).write("some");
      setTimeout(() => response.destroy(), 20);
    });
    const response = await cs.http("billing").fetch("/broken");
    await expect(response.text()).rejects.toMatchObject({ code: "target_lost" });
  });
});

describe("decisions", () => {
  const refund = { method: "POST", headers: json, body: '{"amount":7}', reason: "duplicate" };

  test("a denial is thrown", async () => {
    const before = world.upstream.seen.length;
    await expect(cs.http("billing").fetch("/orders/7", { method: "DELETE" })).rejects.toMatchObject({
      code: "denied",
      message: expect.stringContaining("Ask the billing team."),
    });
    expect(world.upstream.seen).toHaveLength(before);
  });

  test("what a person approved is sent, once, with the credential of its role", async () => {
    let requestId = "";
    const before = world.upstream.seen.length;
    const answered = cs.http("billing").fetch("/refunds", {
      ...refund,
      onEvent: (event) => {
        if (event.type === "pending") requestId = event.requestId;
      },
    });
    await expect.poll(() => requestId).not.toBe("");
    expect(world.upstream.seen).toHaveLength(before);
    await vote(alice, requestId, "approve");
    expect(await (await answered).json()).toMatchObject({ target: "/refunds", body: refund.body });
    expect(world.upstream.seen).toHaveLength(before + 1);
    expect(world.upstream.last.headers).toMatchObject({ "x-api-key": targetToken });
    const { stdout } = await world.instance.cli("requests", "--json");
    expect(stdout).not.toContain(targetToken);
  });

  test("whoever stops waiting takes it back", async () => {
    const abort = new AbortController();
    const answered = cs.http("billing").fetch("/refunds", {
      ...refund,
      signal: abort.signal,
      onEvent: (event) => {
        if (event.type === "pending") abort.abort();
      },
    });
    await expect(answered).rejects.toMatchObject({ code: "aborted" });
  });

  test.each(["/a/%2e%2e/admin", "/a//b", "/%252e", "/a;x=1%0d%0a"])(
    "http-smuggle: %s never reaches the upstream as asked",
    async (path) => {
      const before = world.upstream.seen.length;
      await expect(cs.submit({ kind: "http.request", resource: "billing", method: "GET", path })).rejects.toMatchObject({
        code: "invalid_operation",
      });
      expect(world.upstream.seen).toHaveLength(before);
    },
  );
});
