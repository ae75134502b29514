import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { RequestState } from "@countersign/rpc";
import type { Countersign } from "@countersign/sdk";
import { Octokit } from "@octokit/core";
import Stripe from "stripe";
import { request } from "undici";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type ApproverConnection, approverClient, vote, waitForState } from "../harness/approver.ts";
import { type HttpApiWorld, httpApiWorld, secretEmail } from "../harness/http-api.ts";
import { waitingId } from "../harness/waiting.ts";

let world: HttpApiWorld;
let cs: Countersign;
let alice: ApproverConnection;

const customer = {
  id: "cus_7",
  object: "customer",
  email: secretEmail,
  balance: 1234567890123456789n,
  nested: [{ email: secretEmail }],
};
const json = JSON.stringify(customer, (_, value) => (typeof value === "bigint" ? "BIG" : value)).replace(
  '"BIG"',
  "1234567890123456789",
);

beforeAll(async () => {
  world = await httpApiWorld();
  cs = world.instance.client();
  alice = await approverClient(world.instance, "alice");
  const { answers } = world.upstream;
  const answer = (path: string, status: number, type: string, body: string) =>
    answers.set(path, (_request, response) => {
      response.writeHead(status, {
        "content-type": type,
        etag: '"of-the-whole"',
        "content-length": Buffer.byteLength(body),
        "x-kept": "yes",
      });
      response.end(body);
    });
  answer("/v1/customers/cus_7", 200, "application/json", json);
  answer(
    "/v1/customers/gone",
    404,
    "application/json",
    JSON.stringify({ error: { type: "invalid_request_error", message: "gone", email: secretEmail } }),
  );
  answer("/v1/customers/text", 200, "text/plain", secretEmail);
  answer("/v1/customers/twice", 200, "application/json", `{"email":"x","email":"${secretEmail}"}`);
  answer("/v1/customers/binary", 200, "application/json", `${secretEmail}\xff`);
  answer("/v1/refunds", 200, "application/json", '{"id":"re_1","object":"refund"}');
  answer("/v1/repos/octo/cat", 200, "application/json", JSON.stringify({ id: 1, owner: { email: secretEmail } }));
  answer("/graphql", 200, "application/json", JSON.stringify({ data: { viewer: { login: "carol", email: secretEmail } } }));
});
afterAll(async () => {
  await cs?.close();
  alice?.[Symbol.dispose]();
  await world?.[Symbol.asyncDispose]();
});

/** By the listener, as any client. */
async function ask(path: string, { headers = {}, ...init }: RequestInit = {}) {
  const response = await fetch(world.base + path, { ...init, headers: { authorization: `Bearer ${world.token}`, ...headers } });
  return { status: response.status, headers: response.headers, text: await response.text() };
}

const graphql = (query: string, more: object = {}): RequestInit => ({
  ...{ method: "POST", headers: { "content-type": "application/json" } },
  body: JSON.stringify({ query, ...more }),
});

/** The request that waits, as an approver finds it. */
async function waitingRequest(words: string): Promise<string> {
  const found = () =>
    new Promise<string>((resolve, reject) =>
      alice.client.listRequests(
        { states: [RequestState.PENDING], pageSize: 0, pageToken: "" },
        alice.metadata,
        (error, answer) => {
          if (error) reject(error);
          else resolve(answer.requests.find(({ headline }) => headline.includes(words))?.id ?? "");
        },
      ),
    );
  let id = "";
  await expect.poll(async () => (id = await found()), { timeout: 10_000 }).not.toBe("");
  return id;
}

/** Runs what is held until a person agrees. */
async function approved<T>(asked: Promise<T>, words: string): Promise<T> {
  await vote(alice, await waitingRequest(words), "approve");
  return asked;
}

describe.each(["the listener", "fetch of the SDK"])("a vendor's client by %s", (way) => {
  const bySdk = way !== "the listener";

  test("Stripe: customers come back masked, a refund waits for a person", async () => {
    const { hostname, port } = new URL(bySdk ? world.origin : world.base);
    const stripe = new Stripe(bySdk ? "sk_test_nothing" : world.token, {
      ...{ host: hostname, port: Number(port), protocol: "http", telemetry: false, maxNetworkRetries: 0 },
      ...(bySdk && { httpClient: Stripe.createFetchHttpClient(cs.http("shop").fetch) }),
    });
    expect(await stripe.customers.retrieve("cus_7")).toMatchObject({ id: "cus_7", email: "****", nested: [{ email: "****" }] });
    await expect(stripe.customers.retrieve("gone")).rejects.toMatchObject({ statusCode: 404, type: "StripeInvalidRequestError" });
    const refund = stripe.refunds.create({ charge: "ch_1", amount: 700 });
    expect(await approved(refund, "/v1/refunds")).toMatchObject({ id: "re_1" });
    expect(world.upstream.last).toMatchObject({ method: "POST", target: "/v1/refunds", body: "charge=ch_1&amount=700" });
    const refusal: unknown = await stripe.customers.del("cus_7").catch((error: unknown) => error);
    const why = "No rule allows this (DELETE /v1/customers/cus_7 on shop).";
    expect(refusal).toMatchObject(
      bySdk ? { detail: { code: "denied", message: expect.stringContaining(why) } } : { message: why },
    );
    expect(world.upstream.seen.some(({ method }) => method === "DELETE")).toBe(false);
  });

  test("Octokit: REST and GraphQL", async () => {
    const options = bySdk
      ? { baseUrl: world.origin, request: { fetch: cs.http("shop").fetch } }
      : { baseUrl: world.base, auth: world.token };
    const github = new Octokit(options);
    const rest = new Octokit({ ...options, baseUrl: `${options.baseUrl}/v1` });
    // Octokit says "token", which is no bearer's: the listener's clients say how they prove themselves.
    const headers = bySdk ? {} : { authorization: `Bearer ${world.token}` };
    const { data } = await rest.request("GET /repos/{owner}/{repo}", { owner: "octo", repo: "cat", headers });
    expect(data).toMatchObject({ id: 1, owner: { email: "****" } });
    expect(await github.graphql("query { viewer { login email } }", { headers })).toEqual({
      viewer: { login: "carol", email: "****" },
    });
    const star = github.graphql("mutation Star($id: ID!) { addStar(input: { starrableId: $id }) { clientMutationId } }", {
      id: "R_1",
      headers,
    });
    await approved(star, "/graphql");
    expect(JSON.parse(world.upstream.last.body)).toMatchObject({ variables: { id: "R_1" } });
  });
});

test("undici, and what is not masked stays as it was written", async () => {
  const headers = { authorization: `Bearer ${world.token}` };
  const { statusCode, headers: got, body } = await request(`${world.base}/v1/customers/cus_7`, { headers });
  const text = await body.text();
  expect([statusCode, text]).toEqual([200, json.replaceAll(secretEmail, "****")]);
  expect(got).toMatchObject({ "x-kept": "yes", "content-length": String(text.length) });
  expect(got).not.toHaveProperty("etag");
});

describe("an answer that cannot be looked through is withheld, with why", () => {
  test.each([
    ["text", "Content-Type is not JSON"],
    ["twice", "gives a member twice"],
    ["binary", "not JSON"],
  ])("%s", async (name, why) => {
    const answer = await ask(`/v1/customers/${name}`);
    expect([answer.status, answer.headers.get("content-type")]).toEqual([502, "application/problem+json"]);
    expect(answer.text).toContain(why);
    expect(answer.text).not.toContain("carol");
    await expect(cs.http("shop").fetch(`/v1/customers/${name}`)).rejects.toThrow(why);
  });
});

describe("around the rules, nothing gets through", () => {
  test.each<[string, string, RequestInit]>([
    ["a slash at the end", "/v1/customers/cus_7/", {}],
    ["another case", "/v1/Customers/cus_7", {}],
    ["no base path", "/customers/cus_7", {}],
    ["another method on the same path", "/v1/customers/cus_7", { method: "DELETE" }],
    ["a path parameter", "/v1/customers/cus_7;x", {}],
    ["an encoded slash", "/v1/customers%2Fcus_7", {}],
    ["a letter that needs no escape", "/v1/%63ustomers/cus_7", {}],
    ["a parameter twice", "/v1/customers?limit=1&limit=100", {}],
    ["a method by a header", "/v1/customers/cus_7", { headers: { "x-http-method-override": "DELETE" } }],
    ["an alias that moves what is masked", "/graphql", graphql("{ viewer { login mail: email } }")],
    ["a mutation behind a rule for the path", "/graphql", graphql("mutation { deleteRepository(id: 1) { ok } }")],
    ["a mutation by GET", `/graphql?query=${encodeURIComponent("mutation { addStar(id: 1) }")}&x=1`, {}],
    ["a mutation beside a query", "/graphql", graphql("query A { viewer { id } } mutation B { drop }", { operationName: "A" })],
    [
      "a mutation in a batch",
      "/graphql",
      { ...graphql(""), body: JSON.stringify([{ query: "{ viewer { id } }" }, { query: "mutation { drop }" }]) },
    ],
    [
      "a persisted query",
      "/graphql",
      { ...graphql(""), body: '{"extensions":{"persistedQuery":{"version":1,"sha256Hash":"00"}}}' },
    ],
    ["the endpoint by another name", "/graphql/", graphql("mutation { drop }")],
  ])("%s", async (_, path, init) => {
    const before = world.upstream.seen.length;
    const { status } = await ask(path, init);
    expect([400, 403]).toContain(status);
    expect(world.upstream.seen).toHaveLength(before);
  });
});

test("check() knows the documents and the endpoint, and says all of it", async () => {
  const check = (method: string, path: string, body?: string) => {
    const headers = body === undefined ? {} : { "content-type": "application/json" };
    return cs.check({ kind: "http.request", resource: "shop", method, path, headers, ...(body !== undefined && { body }) });
  };
  expect(await check("GET", "/v1/customers/7")).toMatchObject({
    effect: "allow",
    opaque: false,
    complete: true,
    limits: { masks: ["/**/email"] },
  });
  expect(await check("POST", "/v1/refunds", "{}")).toMatchObject({ effect: "review", rules: ["refunds-need-a-human"] });
  expect(await check("GET", "/v1/customers/7/")).toMatchObject({ effect: "deny", opaque: true });
  expect(await check("POST", "/graphql", '{"query":"mutation { addStar }"}')).toMatchObject({
    effect: "review",
    rules: ["stars-need-a-human"],
  });
  expect(await check("POST", "/graphql", '{"query":"mutation { drop }"}')).toMatchObject({
    effect: "deny",
    message: expect.stringContaining("http.graphql"),
  });
});

test("changed documents are in force at SIGHUP; what was held by other names does not run, and a bad document changes nothing", async () => {
  const { instance, upstream } = world;
  const file = join(instance.folder, "shop.yaml");
  const before = readFileSync(file, "utf8");
  const write = (text: string, logged: string) => {
    const since = instance.log.length;
    writeFileSync(`${file}.new`, text);
    renameSync(`${file}.new`, file);
    process.kill(instance.pid, "SIGHUP");
    return expect.poll(() => instance.log.slice(since), { timeout: 10_000 }).toContain(logged);
  };
  const refund = ask("/v1/refunds", { method: "POST", headers: { "content-type": "application/json" }, body: "{}" });
  const id = await waitingId(alice, "/v1/refunds");
  const seen = upstream.seen.length;
  expect((await ask("/v1/customers/cus_7", { method: "DELETE" })).status).toBe(403);
  // The name that a rule lets through stands at another method now.
  await write(
    before.replace("GetCustomer", "ReadOne").replace("DeleteCustomer", "GetCustomer"),
    "other OpenAPI documents are in force",
  );
  expect((await ask("/v1/customers/cus_7")).status).toBe(403);
  expect(upstream.seen).toHaveLength(seen);
  await vote(alice, id, "approve");
  expect(JSON.parse((await refund).text)).toMatchObject({ code: "digest_mismatch", requestId: id });
  await waitForState(alice, id, RequestState.REVOKED);
  expect(upstream.seen).toHaveLength(seen);
  await write("openapi: 3.1.0\npaths: { no-slash: {} }\n", "shop.yaml:2:");
  expect(instance.log).toContain("cannot be used; the last good ones stay in force");
  expect((await ask("/v1/customers/cus_7")).status).toBe(403);
  await write(before, "other OpenAPI documents are in force");
  expect((await ask("/v1/customers/cus_7")).status).toBe(200);
});

test("what is masked is in no record, and in no log", async () => {
  const folder = join(world.instance.folder, "export");
  expect((await world.instance.cli("audit", "export", folder)).code).toBe(0);
  const records = readFileSync(join(folder, "records.jsonl"), "utf8");
  expect(records).toContain("customers-without-their-addresses");
  for (const text of [records, world.instance.log]) expect(text).not.toContain(secretEmail);
});
