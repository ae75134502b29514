import { readFileSync } from "node:fs";
import type { IncomingMessage } from "node:http";
import { request } from "node:https";
import { connect } from "node:net";
import { join } from "node:path";
import { RequestState } from "@countersign/rpc";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type ApproverConnection, approverClient, vote, waitForState } from "../harness/approver.ts";
import { testAuthority } from "../harness/certificate.ts";
import { type HttpWorld, httpWorld, targetToken } from "../harness/http-world.ts";
import { rawAnswer } from "../harness/raw-request.ts";
import { waitingId } from "../harness/waiting.ts";
import { type Head, httpCorpus, smuggled } from "./http-corpus.ts";

const listeners = `sidecar:
  http:
    - { tcp: "127.0.0.1:0", resource: billing }
    - { tcp: "127.0.0.1:0", hosts: { billing.test: billing } }
    - { tcp: "127.0.0.1:0", resource: billing, tls: { cert: tls.pem, key: tls.key } }
`;
const authority = testAuthority("sidecar.test");

let world: HttpWorld;
let alice: ApproverConnection;
let base: string;
let token: string;

beforeAll(async () => {
  world = await httpWorld(listeners, { "tls.pem": authority.server.certificate, "tls.key": authority.server.key });
  alice = await approverClient(world.instance, "alice");
  base = world.instance.at.http[0]?.url ?? "";
  token = (await world.instance.cli("token", "--subject", "robot")).stdout.trim();
});
afterAll(async () => {
  alice?.[Symbol.dispose]();
  await world?.[Symbol.asyncDispose]();
});

function ask(path: string, { headers = {}, ...init }: RequestInit = {}): Promise<Response> {
  return fetch(base + path, { ...init, headers: { authorization: `Bearer ${token}`, ...headers }, redirect: "manual" });
}

const json = { "content-type": "application/json" };
const refund = (amount: number): RequestInit => ({ method: "POST", headers: json, body: JSON.stringify({ amount }) });

describe("an unmodified client with a base URL", () => {
  test("what is allowed is answered by the target; the agent's token stays here, the target's there", async () => {
    const response = await ask("/orders/7?open=1", { headers: { "x-tenant": "t1", cookie: "mine=1" } });
    expect(response.status).toBe(200);
    expect(response.headers.get("countersign-request")).toMatch(/^req_/);
    const text = await response.text();
    expect(JSON.parse(text)).toMatchObject({ method: "GET", target: "/orders/7?open=1" });
    expect(text).not.toContain(targetToken);
    expect(world.upstream.last.headers).toMatchObject({ authorization: `Bearer ${targetToken}`, "x-tenant": "t1" });
    expect(JSON.stringify(world.upstream.last)).not.toContain(token);
    expect(world.upstream.last.headers).not.toHaveProperty("cookie");
  });

  test("curl, with a body of its own in chunks", () => {
    const args = [
      "-sS",
      "-H",
      `Authorization: Bearer ${token}`,
      "-H",
      "Content-Type: application/json",
      "-H",
      "Transfer-Encoding: chunked",
      "-d",
      '{"a":1}',
      `${base}/echo`,
    ];
    return curl(args).then((text) => {
      expect(JSON.parse(text)).toMatchObject({ method: "POST", body: '{"a":1}' });
      expect(world.upstream.last.headers).toMatchObject({ "content-length": "7" });
    });
  });

  test("by host name", async () => {
    const named = new URL(world.instance.at.http[1]?.url ?? "");
    expect(
      await raw(
        `GET /named HTTP/1.1\r\nHost: billing.test\r\nAuthorization: Bearer ${token}\r\nConnection: close\r\n\r\n`,
        named.port,
      ),
    ).toMatch(/^HTTP\/1.1 200 /);
    expect(
      await raw(
        `GET /named HTTP/1.1\r\nHost: other.test\r\nAuthorization: Bearer ${token}\r\nConnection: close\r\n\r\n`,
        named.port,
      ),
    ).toMatch(/^HTTP\/1.1 404 /);
  });

  test("over TLS", async () => {
    const url = new URL("/over-tls", world.instance.at.http[2]?.url);
    const headers = { authorization: `Bearer ${token}` };
    const answer = await new Promise<IncomingMessage>((resolve, reject) =>
      request(url, { ca: authority.ca, servername: "sidecar.test", headers }, resolve).once("error", reject).end(),
    );
    answer.resume();
    expect([answer.statusCode, url.protocol]).toEqual([200, "https:"]);
    expect(world.upstream.last.target).toBe("/over-tls");
  });

  test("events of the target arrive when it sends them, and its connection ends with the client's", async () => {
    const ended = Promise.withResolvers<void>();
    world.upstream.answers.set("/events", (_request, response) => {
      response.once("close", () => ended.resolve());
      response.writeHead(200, { "content-type": "text/event-stream" }).write("data: one\n\n");
    });
    const abort = new AbortController();
    const response = await ask("/events", { headers: { accept: "text/event-stream" }, signal: abort.signal });
    const { value } = (await response.body?.getReader().read()) ?? {};
    expect(Buffer.from(value ?? []).toString()).toBe("data: one\n\n");
    abort.abort();
    await ended.promise;
  });

  test("events are for rules that look at http.events; a target that streams them unasked is cut off before the first", async () => {
    const before = world.upstream.seen.length;
    const denied = await ask("/orders", { headers: { accept: "text/event-stream" } });
    expect([denied.status, ((await denied.json()) as { detail: string }).detail]).toEqual([
      403,
      expect.stringContaining("http.events"),
    ]);
    expect(world.upstream.seen).toHaveLength(before);
    const ended = Promise.withResolvers<void>();
    world.upstream.answers.set("/unasked", (_request, response) => {
      response.once("close", () => ended.resolve());
      response.writeHead(200, { "content-type": "text/event-stream; charset=utf-8" }).write("data: one\n\n");
    });
    const withheld = await ask("/unasked");
    const { code, detail } = (await withheld.json()) as { code: string; detail: string };
    expect([withheld.status, code, detail]).toEqual([502, "target_error", expect.stringContaining("http.events")]);
    await ended.promise;
  });

  test("without a token, or with a wrong one: 401, on record", async () => {
    const before = world.upstream.seen.length;
    for (const authorization of [undefined, "Bearer nonsense", `Basic ${token}`]) {
      const response = await fetch(`${base}/orders`, { headers: authorization === undefined ? {} : { authorization } });
      expect([response.status, response.headers.get("www-authenticate")]).toEqual([401, 'Bearer realm="countersign"']);
    }
    expect(world.upstream.seen).toHaveLength(before);
  });

  test("a denial is a problem, with the rule and its message", async () => {
    const response = await ask("/orders/7", { method: "DELETE" });
    expect([response.status, response.headers.get("content-type")]).toEqual([403, "application/problem+json"]);
    expect(await response.json()).toMatchObject({
      status: 403,
      code: "denied",
      detail: expect.stringContaining("Ask the billing team."),
      rules: ["never"],
      requestId: expect.stringMatching(/^req_/),
    });
  });

  test("a held request keeps the answer open, and runs once when it is approved", async () => {
    const before = world.upstream.seen.length;
    const answered = ask("/refunds/7001", refund(7001));
    await vote(alice, await waitingId(alice, "/refunds/7001"), "approve");
    const response = await answered;
    expect(await response.json()).toMatchObject({ target: "/refunds/7001", body: '{"amount":7001}' });
    expect(world.upstream.seen).toHaveLength(before + 1);
  });

  test("denied by a person: 403; nothing is sent", async () => {
    const before = world.upstream.seen.length;
    const answered = ask("/refunds/7002", refund(7002));
    await vote(alice, await waitingId(alice, "/refunds/7002"), "deny");
    expect((await answered).status).toBe(403);
    expect(world.upstream.seen).toHaveLength(before);
  });

  test("a client that leaves takes its request back", async () => {
    const abort = new AbortController();
    const answered = ask("/refunds/7003", { ...refund(7003), signal: abort.signal }).catch((error: unknown) => error);
    const id = await waitingId(alice, "/refunds/7003");
    abort.abort();
    expect(await answered).toBeInstanceOf(Error);
    await waitForState(alice, id, RequestState.CANCELLED);
  });

  test("Prefer: respond-async: 202 with where to ask; the same bytes again are the same request, until it is answered", async () => {
    const before = world.upstream.seen.length;
    const asked = () => ask("/refunds", { ...refund(7004), headers: { ...json, prefer: "respond-async" } });
    const first = await asked();
    const { requestId, statusUrl } = (await first.json()) as { requestId: string; statusUrl: string };
    expect([first.status, first.headers.get("location")]).toEqual([202, statusUrl]);
    expect(((await (await asked()).json()) as { requestId: string }).requestId).toBe(requestId);
    expect((await ask(statusUrl)).status).toBe(202);
    await vote(alice, requestId, "approve");
    await expect.poll(() => world.upstream.seen.length).toBe(before + 1);
    const answer = await ask(statusUrl);
    expect(await answer.json()).toMatchObject({ target: "/refunds", body: '{"amount":7004}' });
    expect(world.upstream.seen).toHaveLength(before + 1);
    expect(((await (await asked()).json()) as { requestId: string }).requestId).not.toBe(requestId);
    const other = (await world.instance.cli("token", "--subject", "somebody-else")).stdout.trim();
    expect((await fetch(base + statusUrl, { headers: { authorization: `Bearer ${other}` } })).status).toBe(404);
  });

  test("a body that nobody could look through: 413", async () => {
    expect((await ask("/echo", { method: "POST", headers: json, body: Buffer.alloc(4_200_000, "1") })).status).toBe(413);
  });
});

const head: Head = (line, ...more) =>
  [line, "Host: billing.test", `Authorization: Bearer ${token}`, ...more, "", ""].join("\r\n");

describe("http-smuggle: refused, and nothing of it reaches the upstream", () => {
  let before: number;
  beforeAll(() => {
    before = world.upstream.seen.length;
  });

  test.concurrent.each(httpCorpus)("%s", async (_, text) => {
    expect(await raw(text(head))).toMatch(/^HTTP\/1\.1 400 /);
  });

  test("the upstream has seen nothing of all that", () => {
    expect(world.upstream.seen.slice(before)).toEqual([]);
  });

  test("what is pipelined is a request of its own, with a decision of its own", async () => {
    const before = world.upstream.seen.length;
    const answers = await raw(`${head("GET /one HTTP/1.1")}${head("GET /two HTTP/1.1")}${smuggled}`);
    expect(answers.match(/HTTP\/1\.1 \d+/g)).toEqual(["HTTP/1.1 200", "HTTP/1.1 200", "HTTP/1.1 401"]);
    expect(
      world.upstream.seen
        .slice(before)
        .map(({ target }) => target)
        .sort(),
    ).toEqual(["/one", "/two"]);
  });

  test("a body that reads like a request is a body", async () => {
    const body = JSON.stringify(smuggled);
    const answer = await raw(
      `${head("POST /echo HTTP/1.1", "Content-Type: application/json", `Content-Length: ${body.length}`, "Connection: close")}${body}`,
    );
    expect(answer).toMatch(/^HTTP\/1\.1 200 /);
    expect(world.upstream.last).toMatchObject({ method: "POST", target: "/echo", body });
  });

  test("all of it is on record, and the upstream saw nothing but what was decided", async () => {
    const folder = join(world.instance.folder, "export");
    expect((await world.instance.cli("audit", "export", folder)).code).toBe(0);
    const lines = readFileSync(join(folder, "records.jsonl"), "utf8")
      .split("\n")
      .filter((line) => line !== "");
    const records = lines.map(
      (line) => JSON.parse(line) as { type: string; detail?: { accepted?: boolean; method?: string; why?: string } },
    );
    const notLetIn = records.flatMap(({ detail }) =>
      detail?.accepted === false && detail.method === "http" ? [detail.why ?? ""] : [],
    );
    for (const why of [
      "HPE_INVALID_CONTENT_LENGTH",
      "HPE_INVALID_TRANSFER_ENCODING",
      "HTTP/1.0 with Transfer-Encoding",
      "HTTP/1.1 without Host",
      "CONNECT",
      "Send the agent's token",
    ])
      expect(notLetIn.some((one) => one.includes(why))).toBe(true);
    expect(lines.join()).not.toContain(token);
    expect(lines.join()).not.toContain(targetToken);
    expect(world.upstream.seen.some(({ method, target }) => method === "DELETE" || /smuggled|admin|latest/.test(target))).toBe(
      false,
    );
    expect(world.upstream.seen.every(({ headers }) => headers.host === new URL(world.origin).host)).toBe(true);
  });
});

function raw(text: string, port = new URL(base).port): Promise<string> {
  return rawAnswer(connect(Number(port), "127.0.0.1"), text);
}

async function curl(args: readonly string[]): Promise<string> {
  const { program } = await import("../harness/ssh-world.ts");
  const { stdout, stderr, code } = await program("curl", args);
  if (code !== 0) throw new Error(stderr);
  return stdout.toString();
}
