import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Operation, type ProposeEditResponse, RequestDetail, RequestState } from "@countersign/rpc";
import type { Countersign } from "@countersign/sdk";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type ApproverConnection, approverClient, getRequest, vote, waitForState } from "../harness/approver.ts";
import { Instance } from "../harness/instance.ts";
import { adminToken, KubernetesApi } from "../harness/kubernetes/kubernetes-api.ts";
import { kindOf } from "../harness/kubernetes/store.ts";

const policy = `version: 1
rules:
  - id: secrets-need-a-human
    when: kubernetes.resource == "secrets" && kubernetes.body.data.password != "eA=="
    effect: review
    role: admin
    approval: { stages: [{ approvers: [group:dba-oncall] }] }
`;
const secrets = "/api/v1/namespaces/shop/secrets";
/** What the cluster holds, and what the agent puts in its place. */
const [old, fresh] = ["hunter1-was-nobody's-guess", "hunter2-is-nobody's-guess"];
const base64 = (text: string) => Buffer.from(text).toString("base64");
/** No way to write either. */
const forms = [old, fresh].flatMap((one) => [one, base64(one), base64(`-${one}`).slice(4, -4), encodeURIComponent(one)]);

let api: KubernetesApi;
let instance: Instance;
let cs: Countersign;
let alice: ApproverConnection;

beforeAll(async () => {
  api = await KubernetesApi.start();
  const resource = `  - name: prod
    type: kubernetes
    server: ${api.url}
    ca: { file: cluster-ca.pem }
    roles: { admin: { token: { file: token } } }
`;
  const files = { token: adminToken, "cluster-ca.pem": api.authority.ca };
  instance = await Instance.start({ policy, config: resource, files });
  cs = instance.client();
  alice = await approverClient(instance, "alice");
});
afterAll(async () => {
  alice?.[Symbol.dispose]();
  await cs?.close();
  await instance?.[Symbol.asyncDispose]();
  await api?.[Symbol.asyncDispose]();
});

/** Asks for another value; kubectl adds its own copy of it. */
async function ask(name: string) {
  api.store.seed({ kind: "Secret", metadata: { name, namespace: "shop" }, data: { password: base64(old), user: "YXBw" } });
  const data = { password: base64(fresh), user: "YXBw" };
  const applied = JSON.stringify({ apiVersion: "v1", kind: "Secret", metadata: { name }, stringData: { password: fresh } });
  const annotations = { "kubectl.kubernetes.io/last-applied-configuration": applied };
  const body = JSON.stringify({ apiVersion: "v1", kind: "Secret", metadata: { name, annotations }, data });
  const headers = [["content-type", "application/merge-patch+json"]] as const;
  return await cs.submit({
    kind: "kubernetes.request",
    resource: "prod",
    method: "PATCH",
    path: `${secrets}/${name}`,
    headers,
    body,
  });
}

async function withEvidence(id: string) {
  for (let tries = 0; tries < 200; tries++) {
    const detail = await getRequest(alice, id);
    if (detail.evidence !== undefined && !detail.evidence.failure.startsWith("It is still")) return detail;
    await sleep(25);
  }
  throw new Error("no evidence came");
}

function expectHidden(what: string, text: string): void {
  for (const form of forms) expect(text.includes(form), `${what} shows ${form}`).toBe(false);
}

function filesIn(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .map((name) => join(folder, name))
    .filter((path) => statSync(path).isFile());
}

test("a value of a Secret is shown by no surface, written to no file in the clear, and sent as it was asked for", async () => {
  const held = await ask("db");
  const detail = await withEvidence(held.id);
  const changed = detail.evidence?.changes?.fields ?? [];
  expect(changed).toMatchObject([
    { path: "data.password", before: expect.stringMatching(/hidden, sha256:/), after: expect.stringMatching(/hidden, sha256:/) },
  ]);
  expect(changed[0]?.before).not.toBe(changed[0]?.after);
  const seen = JSON.stringify(RequestDetail.toJSON(detail));
  // The same digest in the operation and in the evidence.
  expect(seen.split(JSON.parse(changed[0]?.after ?? '""')).length).toBeGreaterThan(2);
  expectHidden("the approver API", seen);
  for (const args of [
    ["show", held.id, "--as", "alice"],
    ["show", held.id, "--as", "alice", "--json"],
    ["audit", "export", join(instance.folder, "export")],
  ]) {
    const { stdout, stderr, code } = await instance.cli(...args);
    expect(code, `${args.slice(0, 2).join(" ")}: ${stderr}`).toBe(0);
    expectHidden(args.slice(0, 2).join(" "), stdout + stderr);
  }
  await vote(alice, held.id, "approve");
  await waitForState(alice, held.id, RequestState.SUCCEEDED);
  expect(api.store.get(kindOf("Secret"), "shop", "db").data).toEqual({ password: base64(fresh), user: "YXBw" });
  expectHidden("the log", instance.log);
  for (const path of [...filesIn(instance.data), ...filesIn(join(instance.folder, "export"))])
    expectHidden(path, readFileSync(path, "latin1"));
});

test("an edit by somebody who has not seen the values keeps them, and cannot bring them to light", async () => {
  const held = await ask("cache");
  const { operation, requestDigest } = await getRequest(alice, held.id);
  const request = operation?.operation?.$case === "kubernetesRequest" ? operation.operation.value : undefined;
  const shown = request?.body?.content?.$case === "text" ? request.body.content.value : "";
  const propose = (text: string, path = request?.path ?? "") =>
    new Promise<RequestDetail>((resolve, reject) => {
      const value = { ...request, path, body: { content: { $case: "text" as const, value: text } } };
      const changed = Operation.fromPartial({ operation: { $case: "kubernetesRequest", value } });
      const proposal = { id: held.id, requestDigest, operation: changed, comment: "With a label." };
      alice.client.proposeEdit(proposal, alice.metadata, (error, answer: ProposeEditResponse) =>
        error === null && answer.request !== undefined ? resolve(answer.request) : reject(error ?? new Error("empty answer")),
      );
    });
  const [, mark = ""] = /"password":("\(hidden[^"]*")/.exec(shown) ?? [];
  const inLabel = shown.replace('"name":"cache"', `"name":"cache","labels":{"x":${mark}}`);
  await expect(propose(inLabel)).rejects.toMatchObject({ details: expect.stringContaining("hidden value") });
  const settings = "/api/v1/namespaces/shop/configmaps/cache";
  await expect(propose(shown.replaceAll('"kind":"Secret",', ""), settings)).rejects.toMatchObject({
    details: expect.stringContaining("hidden value"),
  });
  const edited = await propose(shown.replace('"name":"cache"', '"name":"cache","labels":{"a":"b"}'));
  expectHidden("the edited request", JSON.stringify(RequestDetail.toJSON(edited)));
  const id = edited.summary?.id ?? "";
  await vote(alice, id, "approve");
  await waitForState(alice, id, RequestState.SUCCEEDED);
  const stored = api.store.get(kindOf("Secret"), "shop", "cache");
  expect(stored).toMatchObject({ data: { password: base64(fresh), user: "YXBw" }, metadata: { labels: { a: "b" } } });
});
