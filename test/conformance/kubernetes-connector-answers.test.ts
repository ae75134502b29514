import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { KubernetesApi } from "../harness/kubernetes/kubernetes-api.ts";
import {
  KubernetesConnectors,
  ownToken,
  kubernetesRequest as request,
  staticToken,
} from "../harness/kubernetes/kubernetes-connectors.ts";

let world: KubernetesConnectors;
let api: KubernetesApi;

const pods = "/api/v1/namespaces/shop/pods";
beforeAll(async () => {
  world = await KubernetesConnectors.start();
  ({ api } = world);
  const containers = [{ name: "app", image: "app" }];
  api.store.seed({ kind: "ServiceAccount", metadata: { name: "deployer", namespace: "shop" } });
  api.store.seed({ kind: "Pod", metadata: { name: "web-0", namespace: "shop" }, spec: { containers } });
});
beforeEach(() => {
  api.asked.length = 0;
  api.intercept = undefined;
});
afterAll(() => world?.[Symbol.asyncDispose]());

const run: KubernetesConnectors["run"] = (operation, options) => world.run(operation, options);

/** Waits until something is so; a test that waits for ever fails by its own time. */
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await sleep(2);
}

describe("the credential never comes back", () => {
  const config = (token: string) => `users: [{ user: { token: ${token} } }]`;
  const base64 = (text: string) => Buffer.from(text).toString("base64");
  test.each([
    ["as it is", (token: string) => ({ note: token })],
    ["in a Secret", (token: string) => ({ data: { token: base64(token) } })],
    ["in a Secret, inside of a kubeconfig", (token: string) => ({ data: { config: base64(config(token)) } })],
    ["in a Secret, at another place of it", (token: string) => ({ data: { config: base64(` ${config(token)}`) } })],
    ["in a Secret, at a third", (token: string) => ({ data: { config: base64(`  ${config(token)}`) } })],
  ])("%s", async (_where, made) => {
    for (const [role, secret] of [
      ["static", staticToken],
      ["viewer", ownToken],
      ["deployer", ownToken],
    ] as const) {
      api.store.seed({ kind: "Secret", metadata: { name: "kept", namespace: "shop" }, ...made(secret) });
      const { outcome, body } = await run(request("/api/v1/namespaces/shop/secrets/kept"), { role });
      expect(outcome.state).toBe("succeeded");
      const decoded = JSON.stringify(
        JSON.parse(body, (_key, value) => (typeof value === "string" ? [value, Buffer.from(value, "base64").toString()] : value)),
      );
      const middle = secret.slice(3, -3);
      for (const text of [body, decoded]) expect(text).not.toContain(middle);
    }
  });

  test("escaped as Go writes JSON, in a header field, compressed without being asked", async () => {
    const escaped = JSON.stringify({ note: ownToken })
      .replaceAll("<", "\\u003c")
      .replaceAll(">", "\\u003e")
      .replaceAll("&", "\\u0026");
    api.intercept = (_asked, response) => {
      response.setHeader("warning", `299 - "seen ${ownToken}"`);
      response.setHeader("set-cookie", "session=of-a-proxy");
      response.setHeader("content-encoding", "gzip");
      return response.end(gzipSync(escaped)) !== undefined;
    };
    const { head, body } = await run(request(pods), { role: "viewer" });
    expect(JSON.parse(body)).toEqual({ note: expect.stringMatching(/^\*+$/) });
    expect(JSON.stringify(head)).not.toMatch(/own-token|of-a-proxy/);
  });

  test("the token of a service account", async () => {
    api.intercept = ({ headers }, response) => {
      if (!headers.authorization?.includes("eyJ")) return false;
      return response.end(JSON.stringify({ saw: headers.authorization })) !== undefined;
    };
    const { body } = await run(request(pods), { role: "deployer" });
    expect(JSON.parse(body)).toEqual({ saw: expect.stringMatching(/^Bearer \*{100,}$/) });
  });
});

describe("answers stream", () => {
  test("a watch tells each change when it happens, and ends with its caller", async () => {
    const stop = new AbortController();
    let text = "";
    const watching = run(request(`${pods}?watch=true`), {
      signal: stop.signal,
      onChunk: (chunk) => {
        if (chunk.type === "body") text += Buffer.from(chunk.data).toString();
      },
    });
    await until(() => text.includes("web-0"));
    api.store.seed({ kind: "Pod", metadata: { name: "web-1", namespace: "shop" } });
    await until(() => text.includes("web-1"));
    expect(
      text
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line).type),
    ).toEqual(["ADDED", "ADDED"]);
    stop.abort();
    expect((await watching).outcome).toMatchObject({ state: "failed", failure: { code: "cancelled" }, status: 200 });
  });

  test("a log is followed, also past a silence that an answer of another kind may not have", async () => {
    const by = world.connector({ connections: { silenceMs: 900 } });
    api.logs.write("shop", "web-0", "app", "one");
    let text = "";
    const following = run(request(`${pods}/web-0/log?follow=true`), {
      by,
      onChunk: (chunk) => {
        if (chunk.type === "body") text += Buffer.from(chunk.data).toString();
      },
    });
    await until(() => text === "one\n");
    await sleep(1_300);
    api.logs.write("shop", "web-0", "app", "two");
    await until(() => text === "one\ntwo\n");
    api.logs.end("shop", "web-0", "app");
    expect((await following).outcome).toMatchObject({ state: "succeeded", bytes: 8 });
  });

  test("whoever takes nothing is sent nothing: a list of 40 MB waits at its caller's pace", async () => {
    const part = Buffer.alloc(64 * 1024, "x");
    let written = 0;
    api.intercept = async (_asked, response) => {
      const left = once(response, "close");
      for (let count = 0; count < 640 && !response.destroyed; count++) {
        if (!response.write(part)) await Promise.race([once(response, "drain"), left]);
        written++;
      }
      return response.end() !== undefined;
    };
    const go = Promise.withResolvers<void>();
    let isFirst = true;
    const listing = run(request(pods), {
      onChunk: (chunk) => {
        if (chunk.type !== "body" || !isFirst) return undefined;
        isFirst = false;
        return go.promise;
      },
    });
    await until(() => !isFirst);
    let before = -1;
    while (before !== written) {
      before = written;
      await sleep(100);
    }
    expect(written).toBeLessThan(400);
    go.resolve();
    expect((await listing).outcome).toMatchObject({ state: "succeeded", bytes: 640 * part.length });
  });

  test("watches and logs, however many, keep no other request waiting", async () => {
    const by = world.connector({ connections: { max: 1 } });
    const stop = new AbortController();
    const watching = [1, 2].map(() => run(request(`${pods}?watch=true`), { by, signal: stop.signal }));
    await until(() => api.asked.length === 1);
    expect((await run(request(pods), { by })).outcome).toMatchObject({ state: "succeeded", status: 200 });
    expect(api.asked).toHaveLength(2);
    stop.abort();
    const ends = (await Promise.all(watching)).map(({ outcome }) => outcome.failure?.code);
    expect(ends).toEqual(["cancelled", "cancelled"]);
  });

  test("limits cut: bytes exactly, time while it streams", async () => {
    const bytes = await run(request(pods), { limits: { bytes: 100 } });
    expect(bytes.outcome).toMatchObject({ state: "failed", failure: { code: "limit_exceeded" }, bytes: 100 });
    expect(bytes.body).toHaveLength(100);
    world.nowMs += 1000;
    const time = await run(request(`${pods}?watch=true`), { limits: { timeMs: 50 } });
    expect(time.outcome).toMatchObject({ state: "failed", failure: { code: "limit_exceeded" } });
  });

  test("a redirect is followed by nobody: to another host the client is not sent either", async () => {
    for (const [location, left] of [
      ["https://elsewhere.test/", undefined],
      ["//elsewhere.test/", undefined],
      ["/api/v1/pods", "/api/v1/pods"],
    ] as const) {
      api.asked.length = 0;
      api.intercept = (_asked, response) => response.writeHead(307, { location }).end() !== undefined;
      const { outcome, head } = await run(request(pods));
      expect(outcome).toMatchObject({ state: "succeeded", status: 307 });
      expect(head?.headers.find(([name]) => name === "location")?.[1]).toBe(left);
      expect(api.asked).toHaveLength(1);
    }
  });
});
