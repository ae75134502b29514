import { RequestState } from "@countersign/rpc";
import type { Countersign } from "@countersign/sdk";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type ApproverConnection, approverClient, getRequest, vote, waitForState } from "../harness/approver.ts";
import { kindOf } from "../harness/kubernetes/store.ts";
import { PodSessions } from "../harness/kubernetes/stream/pod-sessions.ts";
import { type KubernetesWorld, kubernetesWorld } from "../harness/kubernetes-world.ts";
import { waitingId } from "../harness/waiting.ts";

const policy = `version: 1
rules:
  - id: look-around
    when: kubernetes.subresource == "exec" && kubernetes.argv in [["echo", "hi"], ["false"]]
    effect: allow
    role: reader
  - id: by-hand
    when: kubernetes.subresource in ["exec", "attach"] && !(kubernetes.argv in [["echo", "hi"], ["false"]])
    effect: review
    role: writer
    approval: { stages: [{ approvers: [group:dba-oncall] }] }
`;

let world: KubernetesWorld;
let alice: ApproverConnection;
let cs: Countersign;
let sessions: PodSessions;

beforeAll(async () => {
  world = await kubernetesWorld({ policy });
  alice = await approverClient(world.instance, "alice");
  cs = world.instance.client();
});
afterAll(async () => {
  await cs?.close();
  alice?.[Symbol.dispose]();
  await world?.[Symbol.asyncDispose]();
});
beforeEach(() => {
  sessions = new PodSessions();
  world.api.takeUpgrade = sessions.take;
});

const web = { namespace: "shop", pod: "web-0" };

/** Gives the pod to another one of its name, as a StatefulSet does. */
function replacePod(): string {
  const [pod] = world.api.store.seed({
    ...{ kind: "Pod", metadata: { name: "web-0", namespace: "shop", labels: { app: "web" } } },
    spec: { containers: [{ name: "app" }] },
  });
  return pod?.metadata.uid ?? "";
}

describe("k8s-argv: exec by the SDK", () => {
  test("runs at once where policy says so, with its exit code", async () => {
    const done = await cs.kubernetes("prod").exec({ ...web, argv: ["echo", "hi"] });
    expect([done.stdout.toString(), done.exitCode]).toEqual(["hi\n", 0]);
    expect((await cs.kubernetes("prod").exec({ ...web, argv: ["false"] })).exitCode).toBe(1);
  });

  test("a shell is held as opaque; approvers see the pod's uid and the container; it runs once", async () => {
    const running = cs.kubernetes("prod").exec({ ...web, argv: ["sh", "-c", "cat; exit 3"], stdin: "typed" });
    const id = await waitingId(alice, "command=sh");
    const { factsJson, operation } = await getRequest(alice, id);
    const { uid } = world.api.store.get(kindOf("Pod"), "shop", "web-0").metadata;
    expect(JSON.parse(factsJson)).toMatchObject({ kubernetes: { opaque: true, argv: ["sh", "-c", "cat; exit 3"] } });
    expect(operation?.operation).toMatchObject({
      $case: "kubernetesRequest",
      value: { uid, path: expect.stringMatching(/command=sh&command=-c&command=cat%3B%20exit%203&stdin=true.*&container=app$/) },
    });
    expect(sessions.begun).toEqual([]);
    await vote(alice, id, "approve");
    const { stdout, exitCode } = await running;
    expect([stdout.toString(), exitCode, sessions.begun.length]).toEqual(["typed", 3, 1]);
    expect(sessions.begun[0]).toMatchObject({ argv: ["sh", "-c", "cat; exit 3"], container: "app", uid });
  });

  test("another pod has the name when it is approved: refused, and nothing is sent", async () => {
    const running = cs.kubernetes("prod").exec({ ...web, argv: ["touch", "/tmp/x"] });
    const failed = running.catch((error: unknown) => error);
    const id = await waitingId(alice, "command=touch");
    replacePod();
    await vote(alice, id, "approve");
    expect(await failed).toMatchObject({
      code: "digest_mismatch",
      message: expect.stringMatching(/is not the one that was asked for/),
    });
    expect((await waitForState(alice, id, RequestState.FAILED)).outcome?.error?.code).toBe("digest_mismatch");
    expect(sessions.begun).toEqual([]);
  });

  test("in a plan, the pod is named by its uid", async () => {
    const line = { kind: "kubernetes.request", resource: "prod", method: "GET" } as const;
    const path = "/api/v1/namespaces/shop/pods/web-0/exec?command=ls&container=app";
    await expect(cs.plan([{ ...line, path }])).rejects.toMatchObject({
      code: "invalid_operation",
      message: expect.stringMatching(/Line 1: The operation does not name the pod's uid/),
    });
    const plan = await cs.plan([{ ...line, path, uid: replacePod() }]);
    expect(plan.id).toMatch(/^req_/);
  });
});
