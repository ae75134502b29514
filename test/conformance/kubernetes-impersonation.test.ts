import { Agent, fetch, type RequestInit, type Response } from "undici";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type ApproverConnection, approverClient, getRequest, vote } from "../harness/approver.ts";
import { type KubernetesWorld, kubernetesWorld } from "../harness/kubernetes-world.ts";
import { waitingId } from "../harness/waiting.ts";

let world: KubernetesWorld;
let alice: ApproverConnection;
let token: string;
let trusting: Agent;

beforeAll(async () => {
  world = await kubernetesWorld();
  alice = await approverClient(world.instance, "alice");
  token = (await world.instance.cli("token", "--subject", "robot")).stdout.trim();
  trusting = new Agent({ connect: { ca: world.ca } });
});
afterAll(async () => {
  await trusting?.destroy();
  alice?.[Symbol.dispose]();
  await world?.[Symbol.asyncDispose]();
});

const pods = "/api/v1/namespaces/shop/pods";

function ask(path: string, { headers = {}, ...init }: RequestInit = {}): Promise<Response> {
  const all = { authorization: `Bearer ${token}`, ...(headers as Record<string, string>) };
  return fetch(world.server + path, { dispatcher: trusting, ...init, headers: all });
}

describe("k8s-wide: a client of the listener that asks as somebody else", () => {
  const other = {
    "Impersonate-User": "jane",
    "impersonate-group": "system:masters",
    "IMPERSONATE-UID": "1",
    "Impersonate-Extra-Scopes": "all",
  };

  /** What has come to the cluster since, and that none of it says who asks. */
  function asked(since: number) {
    const all = world.api.asked.slice(since);
    for (const { rawHeaders, user, impersonatedBy } of all) {
      expect(JSON.stringify(rawHeaders)).not.toMatch(/impersonate|countersign-removed/i);
      expect([user?.username, impersonatedBy]).toEqual(["admin", undefined]);
    }
    return all.map(({ method, url }) => `${method} ${url}`);
  }

  test("reads as its role: the headers are removed, and it is told", async () => {
    const since = world.api.asked.length;
    const response = await ask(`${pods}/web-0`, { headers: other });
    expect([response.status, await response.json()]).toEqual([200, expect.objectContaining({ kind: "Pod" })]);
    expect(response.headers.get("warning")).toMatch(
      /^299 - "Countersign: impersonate-user, .*impersonate-extra-scopes removed; /,
    );
    expect(asked(since)).toEqual([`GET ${pods}/web-0`]);
    const plain = await ask(`${pods}/web-0`);
    expect([plain.status, plain.headers.get("warning")]).toEqual([200, null]);
    await plain.body?.cancel();
  });

  test("changes nothing by a rule that does not say so, and learns nothing of its rights that is not true", async () => {
    const since = world.api.asked.length;
    const headers = { ...other, "content-type": "application/json" };
    const review = { kind: "SelfSubjectAccessReview", apiVersion: "authorization.k8s.io/v1", spec: {} };
    for (const [method, path, body] of [
      ["DELETE", `${pods}/web-0`, undefined],
      ["POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", JSON.stringify(review)],
    ] as const) {
      const answer = await ask(path, { method, headers, ...(body !== undefined && { body }) });
      expect(await answer.json()).toEqual(expect.objectContaining({ kind: "Status", code: 403, reason: "Forbidden" }));
    }
    expect(asked(since)).toEqual([]);
  });

  test("whoever agrees sees whom it asked to be; what runs runs as the role", async () => {
    const since = world.api.asked.length;
    const answered = ask("/api/v1/namespaces/kept", { method: "DELETE", headers: other });
    const id = await waitingId(alice, "kept");
    const { operation, factsJson } = await getRequest(alice, id);
    const shown = operation?.operation?.$case === "kubernetesRequest" ? operation.operation.value.headers : [];
    expect(shown).toEqual(expect.arrayContaining([{ name: "countersign-removed-impersonate-user", value: "jane" }]));
    expect(factsJson).toContain("asked for as somebody else (impersonate-user: jane)");
    await vote(alice, id, "approve");
    const response = await answered;
    await response.body?.cancel();
    expect([response.status, response.headers.get("warning")]).toEqual([200, expect.stringContaining("removed;")]);
    expect(asked(since)).toContain("DELETE /api/v1/namespaces/kept");
  });
});
