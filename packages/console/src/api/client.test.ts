import { expect, test } from "vitest";
import { ApproverApi } from "./client.ts";

const json = (body: unknown, status = 200) =>
  new Response(JSON.stringify(body), { status, headers: { "content-type": "application/json" } });

test("a vote carries the digest that was shown, and the header that other sites cannot set", async () => {
  const calls: { path: unknown; init: RequestInit | undefined }[] = [];
  const api = new ApproverApi(async (path, init) => {
    calls.push({ path, init });
    return json({ code: "digest_mismatch", detail: "Another digest.", status: 409 }, 409);
  });
  await expect(api.vote("req_1", { requestDigest: "sha256:aa", verdict: "approve", comment: "ok" })).rejects.toMatchObject({
    code: "digest_mismatch",
    message: "Another digest.",
    status: 409,
  });
  expect(calls[0]?.path).toBe("/api/requests/req_1/votes");
  expect(calls[0]?.init?.headers).toMatchObject({ "x-countersign": "console" });
  expect(JSON.parse(String(calls[0]?.init?.body))).toEqual({
    requestDigest: "sha256:aa",
    verdict: "VERDICT_APPROVE",
    comment: "ok",
  });
});

test.each([
  ["no answer", () => Promise.reject(new TypeError("connect")), "unreachable"],
  ["an answer that is not JSON", async () => new Response("<html>"), "unreadable"],
  ["an answer of another shape", async () => json({ approver: 7 }), "unreadable"],
  ["a proxy's error page", async () => new Response("<html>", { status: 503 }), "control_plane_unavailable"],
  ["a session that ended", async () => json({}, 401), "unauthenticated"],
])("%s has its own code", async (_, fetcher, code) => {
  await expect(new ApproverApi(fetcher).session()).rejects.toMatchObject({ name: "ApiError", code });
});

test("the inbox gives the policy's status", async () => {
  const policy = { policyDigest: "sha256:aa", failingSinceMs: 5, problems: [{ file: "p.yaml", line: 3, message: "bad" }] };
  const items = [];
  const body = `data: ${JSON.stringify({ policy })}\n\n`;
  for await (const item of new ApproverApi(async () => new Response(body)).inbox(new AbortController().signal)) items.push(item);
  expect(items[1]).toEqual({
    type: "policy",
    policy: {
      ...{ policyDigest: "sha256:aa", sinceMs: 0, version: 0, rules: 0, failingSinceMs: 5 },
      problems: [{ file: "p.yaml", line: 3, column: 0, message: "bad" }],
    },
  });
});

test("the inbox gives requests and heartbeats as they come, also cut within a character", async () => {
  const request = { id: "req_1", state: "REQUEST_STATE_PENDING", headline: "é", createdMs: 1, expiresMs: 2, changedMs: 1 };
  const bytes = new TextEncoder().encode(`:hi\n\ndata: ${JSON.stringify({ request })}\n\n`);
  const body = new ReadableStream({
    start(controller) {
      for (const byte of bytes) controller.enqueue(Uint8Array.of(byte));
      controller.close();
    },
  });
  const items = [];
  for await (const item of new ApproverApi(async () => new Response(body)).inbox(new AbortController().signal)) items.push(item);
  expect(items.map((item) => item.type)).toEqual(["open", "alive", "request"]);
  expect(items[2]).toMatchObject({ request: { headline: "é" } });
});
