import { createHash } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Connector } from "../../packages/sidecar/src/protocols/connector.ts";
import { authorize } from "../../packages/sidecar/src/protocols/request/sigv4.ts";
import { get, HttpConnectors, oddSecret } from "../harness/http-connectors.ts";
import type { Seen } from "../harness/http-upstream.ts";

let world: HttpConnectors;
let by: Connector;

const [id, token] = ["AKIDEXAMPLE", "t0ken-of-a-session"];
const sigv4 = { accessKeyId: { env: "ID" }, secretAccessKey: { env: "ODD" }, sessionToken: { env: "SESSION" } };

beforeAll(async () => {
  world = await HttpConnectors.start();
  const role = (service: string) => ({ sigv4: { region: "eu-west-1", service, ...sigv4 } });
  const roles = { files: role("s3"), api: role("execute-api") };
  by = world.to(world.upstream.port, { roles }, undefined, { ID: id, SESSION: token });
});
afterAll(() => world?.[Symbol.asyncDispose]());

/** As AWS checks it: from what arrived, by the list of fields that the signature says it covers. */
function isGenuine({ method, target, headers, body }: Seen, service: string): boolean {
  const { authorization = "" } = headers;
  const covered = /SignedHeaders=([^,]+)/.exec(authorization)?.[1]?.split(";") ?? [];
  const fields = covered.map((name) => [name, String(headers[name])] as const);
  const payload = createHash("sha256").update(Buffer.from(body, "latin1")).digest("hex");
  const at = String(headers["x-amz-date"]).replace(/^(....)(..)(..T..)(..)(..Z)$/, "$1-$2-$3:$4:$5");
  const key = { region: "eu-west-1", service, accessKeyId: id, secretAccessKey: oddSecret };
  return (
    headers["x-amz-content-sha256"] === payload &&
    Math.abs(Date.parse(at) - Date.now()) < 60_000 &&
    authorize({ method, path: target, fields, payload }, key, Date.parse(at)).authorization === authorization
  );
}

test.each(["s3", "execute-api"])("sigv4, %s: a signature covers exactly what the upstream parsed", async (service) => {
  const role = service === "s3" ? "files" : "api";
  const text = '{"ä":1}';
  const headers = [
    ["Content-Type", "application/json"],
    ["X-Tenant", "  a   b "],
  ] as const;
  await world.run(
    { kind: "http.request", method: "PUT", path: "/b%C3%A9/k$1?x=1&b=%2F&a", headers, body: { text } },
    { by, role },
  );
  const { last } = world.upstream;
  expect(last.headers.authorization).toMatch(
    /SignedHeaders=content-type;host;x-amz-content-sha256;x-amz-date;x-amz-security-token;x-tenant,/,
  );
  expect(isGenuine(last, service)).toBe(true);
  for (const changed of [
    { target: "/other" },
    { body: "{}" },
    { method: "POST" },
    { headers: { ...last.headers, "x-tenant": "c" } },
  ])
    expect(isGenuine({ ...last, ...changed }, service)).toBe(false);
});

test("http-creds: neither the keys nor the signature, which would let the request be sent again, come back", async () => {
  world.upstream.answers.set("/leak", (request, response) => {
    response.writeHead(403, { "x-echo": String(request.headers.authorization) });
    response.end(JSON.stringify({ ...request.headers, key: oddSecret }));
  });
  const { head, body, outcome } = await world.run(get("/leak"), { by, role: "files" });
  const signature = /Signature=(\w{64})/.exec(world.upstream.last.headers.authorization ?? "")?.[1] ?? "none";
  for (const hidden of [id, token, signature, JSON.stringify(oddSecret).slice(1, -1)])
    expect(JSON.stringify(head) + body).not.toContain(hidden);
  expect([outcome.status, by.target("files").credential]).toEqual([403, "sigv4 s3 in eu-west-1"]);
});

test.each(["x-amz-date", "X-Amz-Security-Token", "x-amz-content-sha256", "authorization"])(
  "a caller's own %s is refused: a signature has one author",
  async (name) => {
    await expect(world.run(get("/", { headers: [[name, "mine"]] }), { by, role: "files" })).rejects.toMatchObject({
      code: "invalid_operation",
    });
  },
);

test("a URL that is signed already is refused too", async () => {
  const path = "/?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Expires=60";
  await expect(world.run(get(path), { by, role: "files" })).rejects.toMatchObject({ code: "invalid_operation" });
});

test("what requests are named by is part of what is approved", () => {
  const operations = [{ id: "one", method: "GET", path: "/one" }];
  const names = [{}, { graphql: "/graphql" }, { operations: [] }, { operations }].map(
    (api) => world.to(world.upstream.port, {}, undefined, {}, api).target("bearer").names,
  );
  expect(names[0]).toBeUndefined();
  expect(new Set(names).size).toBe(4);
});
