import { once } from "node:events";
import { mkdirSync, writeFileSync } from "node:fs";
import { request as httpRequest, type IncomingMessage } from "node:http";
import { join } from "node:path";
import { expect, onTestFinished, test, vi } from "vitest";
import { openPlane } from "../../fixtures/plane.ts";
import { Approvers } from "../identity.ts";
import { serveConsole } from "./console-server.ts";

interface Ask {
  readonly method?: string;
  readonly body?: unknown;
  readonly headers?: Record<string, string | undefined>;
}

async function served() {
  const plane = await openPlane();
  const staticFolder = join(plane.folder, "console");
  mkdirSync(join(staticFolder, "assets"), { recursive: true });
  writeFileSync(join(staticFolder, "index.html"), "<!doctype html><title>console</title>");
  writeFileSync(join(staticFolder, "assets", "app-1a2b.js"), "export {};");
  const approvers = new Approvers([
    { name: "alice", groups: ["dba"] },
    { name: "carol", groups: ["leads"] },
  ]);
  const failures: unknown[] = [];
  const { audit, now } = plane;
  const options = {
    desk: plane,
    approvers,
    audit,
    now,
    port: 0,
    staticFolder,
    onInternalError: (error: unknown) => failures.push(error),
  };
  const server = await serveConsole(options);
  onTestFinished(() => server.close());
  const { url } = server;

  /** A request as a browser on the console's page would send it, unless headers say otherwise. */
  async function send(path: string, { method = "GET", body, headers = {} }: Ask = {}) {
    const text = typeof body === "string" ? body : JSON.stringify(body);
    const page = method === "GET" ? {} : { origin: url, "x-countersign": "console" };
    const type = body === undefined ? {} : { "content-type": "application/json" };
    const all = Object.entries({ ...page, ...type, ...headers }).filter(
      (pair): pair is [string, string] => pair[1] !== undefined,
    );
    const sent = httpRequest(`${url}${path}`, { method, headers: Object.fromEntries(all) });
    sent.end(text);
    const [response] = (await once(sent, "response")) as [IncomingMessage];
    return response;
  }

  async function ask(path: string, options?: Ask) {
    const response = await send(path, options);
    const chunks = await response.toArray();
    const text = Buffer.concat(chunks).toString();
    const json: unknown = response.headers["content-type"]?.includes("json") ? JSON.parse(text) : undefined;
    return { status: response.statusCode, headers: response.headers, text, json };
  }

  const token = (name = "alice") => server.signInLink(name).split("#")[1] ?? "";
  async function signedIn(name = "alice") {
    const answer = await ask("/api/session", { method: "POST", body: { token: token(name) } });
    expect(answer.status).toBe(200);
    return { cookie: answer.headers["set-cookie"]?.[0]?.split(";")[0] ?? "" };
  }

  return { ...plane, server, options, url, send, ask, token, signedIn, failures };
}

test("a sign-in link works once and gives a cookie that scripts and other sites cannot have", async () => {
  const { server, url, ask, token, signedIn, log } = await served();
  expect(server.signInLink("alice")).toMatch(new RegExp(`^${url}/sign-in#[A-Za-z0-9_-]{43}$`));
  const link = token();
  const first = await ask("/api/session", { method: "POST", body: { token: link } });
  expect(first).toMatchObject({ status: 200, json: { approver: { subject: "alice", groups: ["dba"] } } });
  const [cookie = ""] = first.headers["set-cookie"] ?? [];
  expect(cookie).toMatch(/^countersign_session=[A-Za-z0-9_-]{43};/);
  for (const flag of ["HttpOnly", "SameSite=Strict", "Path=/api", "Max-Age=43200"]) expect(cookie).toContain(flag);
  const again = await ask("/api/session", { method: "POST", body: { token: link } });
  expect(again).toMatchObject({ status: 401, json: { code: "unauthenticated" } });
  expect(again.headers["set-cookie"]).toBeUndefined();
  const { cookie: session } = await signedIn();
  expect(await ask("/api/session", { headers: { cookie: session } })).toMatchObject({
    status: 200,
    json: { approver: { subject: "alice" } },
  });
  expect(log.records.map(({ type, detail }) => [type, (detail as { accepted: boolean }).accepted])).toEqual([
    ["sign-in", true],
    ["sign-in", false],
    ["sign-in", true],
  ]);
});

test("a link is good for 10 minutes, a session for 12 hours or until it is ended", async () => {
  const { ask, token, signedIn, clock } = await served();
  const link = token();
  clock.pass(10 * 60_000);
  expect(await ask("/api/session", { method: "POST", body: { token: link } })).toMatchObject({ status: 401 });
  const headers = await signedIn();
  clock.pass(12 * 3_600_000 - 1);
  expect(await ask("/api/session", { headers })).toMatchObject({ status: 200 });
  clock.pass(1);
  expect(await ask("/api/session", { headers })).toMatchObject({ status: 401 });
  const other = await signedIn();
  expect(await ask("/api/session", { method: "DELETE", headers: other })).toMatchObject({ status: 204 });
  expect(await ask("/api/session", { headers: other })).toMatchObject({ status: 401 });
});

test("nobody is signed in when that cannot be recorded", async () => {
  const { ask, token, log } = await served();
  log.failing = true;
  const answer = await ask("/api/session", { method: "POST", body: { token: token() } });
  expect(answer).toMatchObject({ status: 503, json: { code: "audit_unavailable", retryable: true } });
  expect(answer.headers["set-cookie"]).toBeUndefined();
});

test("guessing is stopped after ten failures in a minute", async () => {
  const { ask, token, clock } = await served();
  const link = token();
  const statuses = [];
  for (let guess = 0; guess < 12; guess++) {
    statuses.push((await ask("/api/session", { method: "POST", body: { token: `guess-${guess}` } })).status);
  }
  expect(statuses).toEqual([...Array(10).fill(401), 429, 429]);
  expect(await ask("/api/session", { method: "POST", body: { token: link } })).toMatchObject({ status: 429 });
  clock.pass(60_000);
  expect(await ask("/api/session", { method: "POST", body: { token: link } })).toMatchObject({ status: 200 });
});

test("the API is for those who are signed in", async () => {
  const { ask, open } = await served();
  const { requestId } = (await open()).binding;
  const headers = { cookie: "countersign_session=made-up" };
  for (const path of ["/api/session", "/api/requests", `/api/requests/${requestId}`, "/api/inbox"]) {
    expect(await ask(path)).toMatchObject({ status: 401, json: { code: "unauthenticated" } });
    expect(await ask(path, { headers })).toMatchObject({ status: 401 });
  }
  const vote = { method: "POST", body: { requestDigest: "", verdict: "VERDICT_APPROVE" } };
  expect(await ask(`/api/requests/${requestId}/votes`, vote)).toMatchObject({ status: 401 });
});

test("an approver lists, reads and votes", async () => {
  const { ask, open, signedIn, state } = await served();
  const request = await open();
  const { requestId: id } = request.binding;
  const headers = await signedIn();
  const list = await ask("/api/requests?state=REQUEST_STATE_PENDING&state=REQUEST_STATE_APPROVED&pageSize=1", { headers });
  expect(list).toMatchObject({ status: 200, json: { requests: [{ id, state: "REQUEST_STATE_PENDING", canVote: true }] } });
  const detail = await ask(`/api/requests/${id}`, { headers });
  expect(detail).toMatchObject({ json: { request: { requestDigest: request.requestDigest, operation: { postgresQuery: {} } } } });
  const vote = (body: object, by = headers) => ask(`/api/requests/${id}/votes`, { method: "POST", headers: by, body });
  const good = { requestDigest: request.requestDigest, verdict: "VERDICT_APPROVE", comment: "ok" };
  expect(await vote({ ...good, requestDigest: "sha256:00" })).toMatchObject({ status: 409, json: { code: "digest_mismatch" } });
  expect(await vote({ ...good, verdict: "YES" })).toMatchObject({ status: 400, json: { code: "invalid_request" } });
  expect(await vote({ ...good, verdict: 1 })).toMatchObject({ status: 400 });
  expect(await vote({ ...good, comment: { length: 1 } })).toMatchObject({ status: 400 });
  expect(await vote(good, await signedIn("carol"))).toMatchObject({ status: 403, json: { code: "not_an_approver" } });
  expect(await state(request)).toBe("pending");
  expect(await vote(good)).toMatchObject({ status: 200, json: { request: { summary: { state: "REQUEST_STATE_APPROVED" } } } });
  expect(await vote(good)).toMatchObject({ status: 409, json: { code: "not_pending" } });
  expect(await ask("/api/requests/req_none", { headers })).toMatchObject({ status: 404, json: { code: "not_found" } });
});

test("pages follow each other", async () => {
  const { ask, open, signedIn } = await served();
  const ids = await Promise.all(Array.from({ length: 7 }, async () => (await open()).binding.requestId));
  const headers = await signedIn();
  const seen: string[] = [];
  for (let token = ""; ; ) {
    const { json } = await ask(`/api/requests?pageSize=3&pageToken=${token}`, { headers });
    const { requests, nextPageToken } = json as { requests: { id: string }[]; nextPageToken?: string };
    seen.push(...requests.map((one) => one.id));
    token = nextPageToken ?? "";
    if (token === "") break;
  }
  expect(seen.toSorted()).toEqual(ids.toSorted());
  for (const query of ["pageSize=x", "pageSize=201", "pageToken=eA", "state=pending"]) {
    expect(await ask(`/api/requests?${query}`, { headers })).toMatchObject({ status: 400, json: { code: "invalid_request" } });
  }
});

test("only the console's own page can change anything", async () => {
  const { ask, open, signedIn, state, url } = await served();
  const request = await open();
  const { cookie } = await signedIn();
  const { port } = new URL(url);
  const vote = (
    headers: Record<string, string | undefined>,
    body: unknown = { requestDigest: request.requestDigest, verdict: "VERDICT_APPROVE" },
  ) => ask(`/api/requests/${request.binding.requestId}/votes`, { method: "POST", body, headers: { cookie, ...headers } });
  expect(await vote({ origin: undefined })).toMatchObject({ status: 403 });
  expect(await vote({ origin: "http://evil.example" })).toMatchObject({ status: 403 });
  expect(await vote({ origin: "null" })).toMatchObject({ status: 403 });
  expect(await vote({ origin: `http://127.0.0.1:${Number(port) + 1}` })).toMatchObject({ status: 403 });
  expect(await vote({ origin: `https://127.0.0.1:${port}` })).toMatchObject({ status: 403 });
  expect(await vote({ "x-countersign": undefined })).toMatchObject({ status: 403 });
  expect(await vote({ "sec-fetch-site": "same-site" })).toMatchObject({ status: 403 });
  expect(await vote({ "content-type": "text/plain" })).toMatchObject({ status: 415 });
  expect(await vote({ "content-type": "application/x-www-form-urlencoded" }, "a=b")).toMatchObject({ status: 415 });
  const read = await ask("/api/requests", { headers: { cookie, "sec-fetch-site": "same-site" } });
  expect(read).toMatchObject({ status: 403 });
  expect(read.headers["access-control-allow-origin"]).toBeUndefined();
  expect(await ask("/api/requests", { method: "OPTIONS", headers: { cookie, origin: "http://evil.example" } })).toMatchObject({
    status: 403,
  });
  expect(await state(request)).toBe("pending");
});

test("a name that was re-bound to this machine is not answered", async () => {
  const { ask, url, signedIn } = await served();
  const headers = await signedIn();
  const { port } = new URL(url);
  for (const host of [`evil.example:${port}`, "127.0.0.1", `127.0.0.1.nip.io:${port}`]) {
    expect(await ask("/api/requests", { headers: { ...headers, host } })).toMatchObject({ status: 421 });
    expect(await ask("/", { headers: { host } })).toMatchObject({ status: 421 });
  }
  expect(await ask("/api/requests", { headers: { ...headers, host: `localhost:${port}` } })).toMatchObject({ status: 200 });
});

test("bad bodies are refused in the API's own words, without a trace", async () => {
  const { ask, failures } = await served();
  const post = (body: unknown) => ask("/api/session", { method: "POST", body });
  for (const body of ["{", '{"token":1}', "[]", "null", '{"__proto__":{"token":"x"}}', '""']) {
    const answer = await post(body);
    expect(answer).toMatchObject({ status: 400, json: { code: "invalid_request", status: 400 } });
    expect(answer.headers["content-type"]).toContain("application/problem+json");
    expect(answer.text).not.toMatch(/\n|node_modules|SyntaxError|FST_/);
  }
  expect(await post(JSON.stringify({ token: "x".repeat(70_000) }))).toMatchObject({
    status: 413,
    json: { code: "invalid_request" },
  });
  expect(failures).toEqual([]);
});

test("a defect is told to the operator and not to the caller", async () => {
  const { ask, signedIn, failures, close } = await served();
  const headers = await signedIn();
  await close();
  const answer = await ask("/api/requests", { headers });
  expect(answer).toMatchObject({
    status: 500,
    json: { code: "internal", detail: "Something went wrong inside Countersign; its log says what." },
  });
  expect(failures).toHaveLength(1);
});

test("the page comes with strict headers, under every address of the console", async () => {
  const { ask } = await served();
  for (const path of ["/", "/sign-in", "/requests/req_1"]) {
    const page = await ask(path);
    expect(page).toMatchObject({ status: 200, text: expect.stringContaining("<title>console") });
    expect(page.headers["content-security-policy"]).toContain("default-src 'none';script-src 'self';style-src 'self'");
    expect(page.headers["content-security-policy"]).toContain("frame-ancestors 'none'");
    expect(page.headers["content-security-policy"]).not.toContain("unsafe");
    expect(page.headers).toMatchObject({
      "cache-control": "no-store",
      "x-content-type-options": "nosniff",
      "referrer-policy": "same-origin",
    });
    expect(page.headers["strict-transport-security"]).toBeUndefined();
  }
  const script = await ask("/assets/app-1a2b.js");
  expect(script).toMatchObject({ status: 200, text: "export {};" });
  expect(script.headers["cache-control"]).toContain("immutable");
  for (const path of ["/assets/none.js", "/api/none", "/api"])
    expect(await ask(path)).not.toMatchObject({ text: expect.stringContaining("<title>") });
  for (const path of ["/../control.db", "/%2e%2e/control.db", "/..%2fcontrol.db"]) {
    expect((await ask(path)).text).not.toContain("SQLite");
  }
});

test("the inbox streams what is pending and what changes, and ends with the session", async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  onTestFinished(() => void vi.useRealTimers());
  const { send, ask, open, vote, signedIn } = await served();
  const before = await open();
  const headers = await signedIn();
  const stream = await send("/api/inbox", { headers });
  expect(stream.headers).toMatchObject({
    "content-type": "text/event-stream",
    "cache-control": "no-store",
    "content-security-policy": expect.anything(),
  });
  let text = "";
  stream.on("data", (chunk) => {
    text += chunk;
  });
  const ended = once(stream, "close");
  const until = async (what: () => void) => {
    for (let turn = 0; turn < 200; turn++) {
      try {
        return what();
      } catch {
        await new Promise((resolve) => setImmediate(resolve));
      }
    }
    what();
  };
  const messages = () => [...text.matchAll(/^data: (.*)$/gm)].map(([, json = ""]) => JSON.parse(json).request);
  await until(() =>
    expect(messages()).toMatchObject([{ id: before.binding.requestId, state: "REQUEST_STATE_PENDING", canVote: true }]),
  );
  await vote(before);
  await until(() => expect(messages().at(-1)).toMatchObject({ id: before.binding.requestId, state: "REQUEST_STATE_APPROVED" }));
  expect(messages().at(-1).canVote).toBeUndefined();
  expect(text).not.toContain(": alive");
  vi.advanceTimersByTime(15_000);
  await until(() => expect(text).toContain(": alive"));
  await ask("/api/session", { method: "DELETE", headers });
  vi.advanceTimersByTime(15_000);
  await ended;
});

test("a slow reader of the inbox holds up nobody and hears of each request once it reads", async () => {
  const { send, open, vote, signedIn, options } = await served();
  const stream = await send("/api/inbox", { headers: await signedIn() });
  stream.pause();
  const requests = await Promise.all(Array.from({ length: 500 }, () => open()));
  for (const request of requests) await vote(request);
  expect((await options.desk.approvals.list({ states: ["approved"] }, 1000)).length).toBe(500);
  let text = "";
  stream.on("data", (chunk) => {
    text += chunk;
  });
  stream.resume();
  const approved = () =>
    new Set([...text.matchAll(/"id":"(req_[0-9A-Z]+)","state":"REQUEST_STATE_APPROVED"/g)].map(([, id]) => id));
  await vi.waitFor(() => expect(approved().size).toBe(500), 5_000);
  stream.on("error", () => {});
  stream.destroy();
});

test("a port in use is said", async () => {
  const { options, url } = await served();
  const taken = serveConsole({ ...options, port: Number(new URL(url).port) });
  await expect(taken).rejects.toMatchObject({ code: "address_unusable", message: expect.stringContaining("another port") });
});

test("links are only for configured approvers", async () => {
  const { server } = await served();
  expect(() => server.signInLink("mallory")).toThrow(RangeError);
});
