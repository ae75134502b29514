import { once } from "node:events";
import { readFileSync } from "node:fs";
import { connect } from "node:tls";
import { RequestState } from "@countersign/rpc";
import { Agent, fetch, type RequestInit, type Response } from "undici";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type ApproverConnection, approverClient, getRequest, vote, waitForState } from "../harness/approver.ts";
import { testAuthority } from "../harness/certificate.ts";
import { adminToken } from "../harness/kubernetes/kubernetes-api.ts";
import { type KubernetesWorld, kubernetesWorld } from "../harness/kubernetes-world.ts";
import { rawAnswer } from "../harness/raw-request.ts";
import { waitingId } from "../harness/waiting.ts";
import { type Head, httpCorpus, smuggled } from "./http-corpus.ts";
import { kubernetesCorpus } from "./kubernetes-corpus.ts";

const listeners = `sidecar:
  kubernetes:
    - { tcp: "127.0.0.1:0", names: [localhost] }
    - { tcp: "127.0.0.1:0", resource: prod, tls: { cert: tls.pem, key: tls.key, ca: ca.pem, clientCa: ca.pem } }
`;
const authority = testAuthority("localhost");
const files = { "tls.pem": authority.server.certificate, "tls.key": authority.server.key, "ca.pem": authority.ca };

let world: KubernetesWorld;
let alice: ApproverConnection;
let token: string;
let tester: string;
let trusting: Agent;

beforeAll(async () => {
  world = await kubernetesWorld({ config: listeners, files });
  alice = await approverClient(world.instance, "alice");
  token = (await world.instance.cli("token", "--subject", "robot")).stdout.trim();
  tester = (await world.instance.cli("token", "--subject", "tester")).stdout.trim();
  trusting = new Agent({ connect: { ca: world.ca } });
});
afterAll(async () => {
  await trusting?.destroy();
  alice?.[Symbol.dispose]();
  await world?.[Symbol.asyncDispose]();
});

function ask(path: string, { headers = {}, ...init }: RequestInit = {}): Promise<Response> {
  const all = { authorization: `Bearer ${token}`, ...(headers as Record<string, string>) };
  return fetch(world.server + path, { dispatcher: trusting, ...init, headers: all });
}

const pods = "/api/v1/namespaces/shop/pods";

/** What was deleted; approvers are told how an object is now, so that reads and dry runs come before. */
function deletions(): readonly string[] {
  return world.api.asked.flatMap(({ method, url }) => (method === "DELETE" && !url.includes("dryRun") ? [url] : []));
}

/** What API servers refuse with, as client libraries read it. */
function refusal(code: number, reason: string, message: string) {
  const said = { kind: "Status", apiVersion: "v1", status: "Failure", reason, code };
  return expect.objectContaining({ ...said, message: expect.stringMatching(message) });
}

describe("a client of an API server", () => {
  test("what is allowed is answered by the cluster; the agent's token stays here, the cluster's there", async () => {
    const response = await ask(`${pods}/web-0`, { headers: { accept: "application/json", "kubectl-command": "kubectl get" } });
    expect([response.status, response.headers.get("countersign-request")]).toEqual([200, expect.stringMatching(/^req_/)]);
    const text = await response.text();
    expect(JSON.parse(text)).toMatchObject({ kind: "Pod", metadata: { name: "web-0" } });
    expect(world.api.last).toMatchObject({ url: `${pods}/web-0`, user: { username: "admin" } });
    expect(world.api.last.headers).toMatchObject({ authorization: `Bearer ${adminToken}`, "kubectl-command": "kubectl get" });
    expect(JSON.stringify(world.api.last.rawHeaders)).not.toContain(token);
    expect(text + [...response.headers].join()).not.toContain(adminToken);
  });

  test("what a reverse proxy adds about its client goes nowhere; who says that somebody else asks is refused", async () => {
    expect((await ask(pods, { headers: { "x-forwarded-for": "10.0.0.1", via: "1.1 proxy" } })).status).toBe(200);
    expect(world.api.last.headers).not.toMatchObject({ "x-forwarded-for": expect.anything() });
    expect((await ask(pods, { headers: { "x-forwarded-user": "admin" } })).status).toBe(400);
  });

  test("a listener of one cluster has its paths as they are, and takes certificates of agents", async () => {
    const { server = "", ca } = world.instance.at.kubernetes[0] ?? {};
    expect([new URL(server).pathname, ca]).toEqual(["/", authority.ca]);
    const get = async (client: object, headers: Record<string, string> = {}) => {
      const dispatcher = new Agent({ connect: { ca: authority.ca, servername: "localhost", ...client } });
      const response = await fetch(`${server}${pods}`, { dispatcher, headers });
      const body = await response.json();
      await dispatcher.close();
      return { status: response.status, body };
    };
    const shown = ({ certificate: cert, key }: { certificate: string; key: string }) => ({ cert, key });
    expect(await get(shown(authority.client("ci-agent")))).toMatchObject({ status: 200, body: { kind: "PodList" } });
    const bearer = { authorization: `Bearer ${token}` };
    expect((await get({}, bearer)).status).toBe(200);
    const before = world.api.asked.length;
    const stranger = testAuthority("other").client("ci-agent");
    for (const headers of [{}, bearer])
      expect((await get(shown(stranger), headers)).body).toEqual(refusal(401, "Unauthorized", "client certificate is refused"));
    // Which of two identities is meant is not for us to guess.
    expect((await get(shown(authority.client("ci-agent")), bearer)).body).toEqual(
      refusal(401, "Unauthorized", "use one of them"),
    );
    expect((await get({})).body).toEqual(refusal(401, "Unauthorized", "agent's token"));
    expect(world.api.asked).toHaveLength(before);
  });

  test("no other way of writing the cluster's name, and no other resource", async () => {
    const before = world.api.asked.length;
    const root = world.server.slice(0, -"/clusters/prod".length);
    for (const path of ["/clusters/orders-db", "/clusters/none", "/clusters/%70rod", "/clusters//prod", "/Clusters/prod", ""]) {
      const response = await fetch(`${root}${path}${pods}`, {
        dispatcher: trusting,
        headers: { authorization: `Bearer ${token}` },
      });
      expect(await response.json()).toEqual(refusal(404, "NotFound", "."));
    }
    expect(world.api.asked).toHaveLength(before);
  });

  test("a denial says why, by which rule, and under which request", async () => {
    const response = await ask(pods, { method: "DELETE" });
    const body = await response.json();
    expect([response.status, response.headers.get("content-type")]).toEqual([403, "application/json"]);
    const id = response.headers.get("countersign-request");
    expect(body).toEqual(refusal(403, "Forbidden", `Ask the platform team.*rule never-many-at-once; request ${id}`));
    expect(body).toMatchObject({ details: { uid: id } });
  });

  test("a held request keeps its answer open, runs once when it is approved, and says afterwards which request it was", async () => {
    const answered = ask("/api/v1/namespaces/old", { method: "DELETE" });
    const id = await waitingId(alice, "old");
    expect(deletions()).toEqual([]);
    await vote(alice, id, "approve");
    const response = await answered;
    expect([response.status, response.headers.get("warning")]).toEqual([200, expect.stringMatching(`^299 - ".*${id}"$`)]);
    await response.body?.cancel();
    expect(deletions()).toEqual(["/api/v1/namespaces/old"]);
  });

  test("denied by a person: the comment is the reason; nothing is sent", async () => {
    const answered = ask("/api/v1/namespaces/older", { method: "DELETE" });
    const id = await waitingId(alice, "older");
    await vote(alice, id, "deny", undefined, "not today");
    const body = await (await answered).json();
    expect(body).toEqual(refusal(403, "Forbidden", `not today.*request ${id}`));
    expect(deletions()).not.toContain("/api/v1/namespaces/older");
  });

  test("a client that leaves takes its request back", async () => {
    const abort = new AbortController();
    const answered = ask("/api/v1/namespaces/older", { method: "DELETE", signal: abort.signal }).catch((error: unknown) => error);
    const id = await waitingId(alice, "older");
    abort.abort();
    expect(await answered).toBeInstanceOf(Error);
    await waitForState(alice, id, RequestState.CANCELLED);
  });

  test("what is bound is the whole request: another body under the same path is another action", async () => {
    const ids: string[] = [];
    const digests = new Set<string>();
    for (const policy of ["Background", "Orphan"]) {
      const abort = new AbortController();
      const body = JSON.stringify({ kind: "DeleteOptions", apiVersion: "v1", propagationPolicy: policy });
      const headers = { "content-type": "application/json" };
      void ask("/api/v1/namespaces/older", { method: "DELETE", body, headers, signal: abort.signal }).catch(() => {});
      const id = await waitingId(alice, "older", ids);
      ids.push(id);
      digests.add((await getRequest(alice, id)).actionDigest);
      abort.abort();
    }
    expect(digests.size).toBe(2);
  });
});

test("an answer leads no client library, and the agent's token with it, to another host; nor does it speak for the sidecar", async () => {
  const places = ["https://evil.test/x", "//evil.test/x", "/\\evil.test/x", "evil.test/x", "/api/v1/namespaces/shop"];
  const found: (string | null)[] = [];
  for (const location of places) {
    world.api.intercept = ({ url }, response) => {
      if (!url.endsWith("/moved")) return false;
      response.writeHead(307, { location, "countersign-request": "req_false" }).end();
      return true;
    };
    const response = await ask(`${pods}/moved`, { redirect: "manual" });
    expect([response.status, response.headers.get("countersign-request")]).toEqual([
      307,
      expect.stringMatching(/^req_[0-9A-Z]{26}$/),
    ]);
    found.push(response.headers.get("location"));
  }
  world.api.intercept = undefined;
  expect(found).toEqual([null, null, null, null, "/api/v1/namespaces/shop"]);
});

describe("streams", () => {
  test("events of a watch arrive when they happen; the cluster's connection ends with the client's", async () => {
    const abort = new AbortController();
    const response = await ask(`${pods}?watch=1&resourceVersion=0`, { signal: abort.signal });
    const reader = response.body?.getReader();
    const next = async () => Buffer.from((await reader?.read())?.value ?? []).toString();
    let text = await next();
    world.api.store.seed({
      kind: "Pod",
      metadata: { name: "watched", namespace: "shop" },
      spec: { containers: [{ name: "app" }] },
    });
    while (!text.includes("watched")) text += await next();
    expect(text).toContain('"type":"ADDED"');
    abort.abort();
  });

  test("lines of a log arrive as they are written", async () => {
    const abort = new AbortController();
    world.api.logs.write("shop", "web-0", "app", "first");
    const response = await ask(`${pods}/web-0/log?follow=true&container=app`, { signal: abort.signal });
    const reader = response.body?.getReader();
    let text = Buffer.from((await reader?.read())?.value ?? []).toString();
    world.api.logs.write("shop", "web-0", "app", "second");
    while (!text.includes("second")) text += Buffer.from((await reader?.read())?.value ?? []).toString();
    expect(text).toMatch(/first\n.*second\n/s);
    abort.abort();
  });

  test("a client that reads slowly slows the cluster down; nothing is gathered for it", async () => {
    const part = Buffer.alloc(64 * 1024, "x");
    let sent = 0;
    world.api.intercept = async ({ url }, response) => {
      if (!url.endsWith("/large")) return false;
      const closed = once(response, "close");
      response.writeHead(200, { "content-type": "application/json" });
      for (; sent < 512 && !response.destroyed; sent++)
        if (!response.write(part)) await Promise.race([once(response, "drain"), closed]);
      response.end();
      return true;
    };
    const abort = new AbortController();
    const response = await ask("/api/v1/namespaces/shop/configmaps/large", { signal: abort.signal });
    const seen: number[] = [];
    const rests = () => seen.push(sent) > 1 && seen.at(-1) === seen.at(-2);
    // It comes to rest once every buffer on the way is full.
    await expect.poll(rests, { interval: 300, timeout: 10_000 }).toBe(true);
    expect(sent).toBeLessThan(400);
    const whole = await response.arrayBuffer();
    expect(whole.byteLength).toBe(512 * part.length);
    world.api.intercept = undefined;
  });
});

/** As the agent to whom everything is allowed, at the cluster's path. */
const head: Head = (line, ...more) =>
  [line.replace(" /", " /clusters/prod/"), "Host: localhost", `Authorization: Bearer ${tester}`, ...more, "", ""].join("\r\n");

describe("k8s-path, k8s-wide, http-smuggle: refused, and nothing of it reaches the cluster", () => {
  let before: number;
  beforeAll(() => {
    before = world.api.asked.length;
  });

  test.concurrent.each([...kubernetesCorpus, ...httpCorpus])("%s", async (_, text) => {
    expect(await raw(text(head))).toMatch(/^HTTP\/1\.1 4(?:00|04) /);
  });

  test("the cluster has seen nothing of all that", () => {
    expect(world.api.asked.slice(before)).toEqual([]);
  });

  test("what is pipelined is decided by itself", async () => {
    const answers = await raw(`${head(`GET ${pods}/web-0 HTTP/1.1`)}${head("GET /version HTTP/1.1")}${smuggled}`);
    expect(answers.match(/HTTP\/1\.1 \d+/g)).toEqual(["HTTP/1.1 200", "HTTP/1.1 200", "HTTP/1.1 401"]);
  });

  test("what reaches the cluster is, byte for byte, what was decided about: paths as kube-apiserver reads them", async () => {
    // Of each kind of path a few; see packages/policy/corpora/kubectl/README.md.
    const cases = corpus("request-info").filter((_, index) => index % 20 === 0);
    let sent = 0;
    for (const [method, path] of cases) {
      const seen = world.api.asked.length;
      const headers = method === "PATCH" ? ["Content-Type: application/merge-patch+json"] : [];
      const answer = await raw(head(`${method} ${path} HTTP/1.1`, ...headers, "Connection: close"));
      const asked = world.api.asked.slice(seen).filter((one) => one.method !== "GET" || method === "GET");
      if (asked.length === 0) expect(answer).toMatch(method === "HEAD" ? /^HTTP\/1\.1 4/ : /"causes":\[\{"reason"/);
      else expect(asked.map((one) => [one.method, one.url, one.user?.username])).toEqual([[method, path, "admin"]]);
      sent += asked.length;
    }
    expect(sent).toBeGreaterThan(30);
  });
});

function corpus(name: string): readonly (readonly [method: string, path: string])[] {
  const text = readFileSync(new URL(`../../packages/policy/corpora/kubectl/${name}.jsonl`, import.meta.url), "utf8");
  return text
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
}

function raw(text: string): Promise<string> {
  const port = Number(new URL(world.server).port);
  return rawAnswer(connect({ host: "127.0.0.1", port, ca: world.ca, servername: "localhost" }), text);
}
