import { setTimeout as sleep } from "node:timers/promises";
import {
  type Approval,
  CountersignError,
  type Evidence,
  type EvidenceBook,
  type RequestEvent,
  type RequestSnapshot,
  type Revocation,
} from "@countersign/policy";
import { expect, onTestFinished, test } from "vitest";
import type { NativeCaller, OwnConnection } from "../native/own-connection.ts";
import { Persistence } from "../persist.ts";
import type { Connector } from "../protocols/connector.ts";
import { Resources } from "../resources.ts";
import type { EvidenceWish } from "./evidence-source.ts";
import { Gathering, type GatheringParts } from "./gathering.ts";

/** A sidecar's surroundings, in which a test says how long finding out takes and what the control plane answers. */
class World implements EvidenceBook {
  readonly asked: string[] = [];
  readonly attached = new Map<string, Evidence>();
  readonly wishes: (EvidenceWish & { signal: AbortSignal })[] = [];
  /** What policy decides now of what was held. */
  now: Approval["evidence"] = "effect";
  takesMs = 5;
  isWaiting = true;
  /** The client's own connection. */
  client: ReturnType<GatheringParts["connections"]["of"]>;
  isWritable = true;
  atOnce = 0;
  most = 0;
  readonly events = new Map<string, (event: RequestEvent) => void>();
  revoke: (revocation: Revocation) => void = () => {};

  async begin(id: string): Promise<boolean> {
    if (!this.isWritable) throw new CountersignError("audit_unavailable", "full", { retryable: true });
    this.asked.push(id);
    return this.isWaiting;
  }

  async attach(id: string, evidence: Evidence): Promise<void> {
    this.attached.set(id, evidence);
  }

  async *watch(id: string, _after: number, signal: AbortSignal): AsyncGenerator<RequestEvent> {
    yield { sequence: 1, timeMs: 0, type: "pending" };
    const { promise, resolve, reject } = Promise.withResolvers<RequestEvent>();
    this.events.set(id, resolve);
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
    if (!signal.aborted) yield await promise;
  }

  async gather(wish: EvidenceWish, signal: AbortSignal): Promise<Omit<Evidence, "timeMs">> {
    this.wishes.push({ ...wish, signal });
    this.most = Math.max(this.most, ++this.atOnce);
    await sleep(this.takesMs, undefined, { signal }).catch(() => {});
    this.atOnce--;
    return { kind: wish.kind, affectedRows: 1, notes: [] };
  }
}

const connector = {} as Connector;

function start(world = new World()) {
  const resource = {
    name: "db",
    type: "postgres",
    labels: {},
    roles: ["w"],
    searchPath: [],
    connector,
    evidence: world,
  } as const;
  const persistence = new Persistence();
  const parts: GatheringParts = {
    connections: { of: () => world.client },
    ...{ evidence: world, requests: world, persistence, now: () => 1 },
    resources: new Resources([resource, { ...resource, name: "other" }]),
    revocations: {
      onRevoked: (told) => {
        world.revoke = told;
        return { [Symbol.dispose]: () => {} };
      },
    },
    asking: {
      ask: async (call) => {
        const approval = { ...approvalOf(world.now), requirements: [] };
        const decision = { effect: "review", role: "w", rules: [], limits: {}, policyDigest: "sha256:", approval } as const;
        const facts = { protocol: "postgres", sql: {} } as never;
        return { call, resource, facts, way: resource.connector, role: undefined, decision };
      },
    },
  };
  const gathering = new Gathering(parts);
  onTestFinished(async () => {
    await gathering.close();
    await persistence[Symbol.asyncDispose]();
  });
  return { world, gathering };
}

function approvalOf(evidence: Approval["evidence"]): Omit<Approval, "requirements"> {
  return { expiresMs: 1, validForMs: 1, justification: "optional", ...(evidence && { evidence }) };
}

function held(id: string, { subject = "agent", evidence = "effect" as Approval["evidence"], resource = "db" } = {}) {
  const action = {
    operation: { kind: "postgres.query", statement: "", parameters: [] },
    resource,
    principal: { issuer: "i", subject },
  };
  const decision = { effect: "review", approval: approvalOf(evidence) };
  return { binding: { requestId: id }, action, decision, state: "pending" } as unknown as RequestSnapshot;
}

async function eventually(condition: () => boolean): Promise<void> {
  for (let tries = 0; !condition(); tries++) {
    if (tries > 300) throw new Error("It did not happen");
    await sleep(5);
  }
}

test("what is held is looked into behind its back: holding it waits for nothing", async () => {
  const { world, gathering } = start();
  gathering.start(held("a"));
  expect(world.asked).toEqual([]);
  await eventually(() => world.attached.has("a"));
  expect(world.attached.get("a")).toMatchObject({ kind: "effect", affectedRows: 1, timeMs: 1 });
});

test("what asks for none, is no review, or waits no more is left alone", async () => {
  const { world, gathering } = start();
  gathering.start(held("none", { evidence: "none" }));
  gathering.start({ ...held("approved"), state: "approved" });
  world.isWaiting = false;
  gathering.start(held("ended"));
  await eventually(() => world.asked.length > 0);
  await sleep(30);
  expect(world.asked).toEqual(["ended"]);
  expect(world.wishes).toEqual([]);
});

test("the locks that its client's open transaction holds are asked first, and also where no rule asks for evidence", async () => {
  const { world, gathering } = start();
  const locks = async () => {
    expect(world.wishes).toEqual([]);
    return { locks: ["AccessExclusiveLock on public.orders"], failure: "Not all." };
  };
  const own = { locks } as unknown as OwnConnection;
  world.client = { own, caller: {} as NativeCaller };
  const inTransaction = (request: RequestSnapshot) =>
    ({
      ...request,
      action: { ...request.action, operation: { ...request.action.operation, connection: { id: "c", inTransaction: true } } },
    }) as RequestSnapshot;
  gathering.start(held("outside", { evidence: "none" }));
  gathering.start(inTransaction(held("none", { evidence: "none" })));
  await eventually(() => world.attached.has("none"));
  const found = { locks: ["AccessExclusiveLock on public.orders"], failure: "Not all." };
  expect(world.attached.get("none")).toEqual({ ...found, kind: "locks", timeMs: 1, notes: [] });
  gathering.start(inTransaction(held("asked")));
  await eventually(() => world.attached.has("asked"));
  expect(world.attached.get("asked")).toMatchObject({ ...found, kind: "effect", affectedRows: 1 });
  expect(world.asked).toEqual(["none", "asked"]);
});

test("what cannot be recorded is not tried", async () => {
  const { world, gathering } = start();
  world.isWritable = false;
  gathering.start(held("a"));
  await sleep(50);
  expect(world.wishes).toEqual([]);
  expect(world.attached.size).toBe(0);
});

test("one at a time for each resource, with rests: a flood takes at most a quarter of the time", async () => {
  const { world, gathering } = start();
  world.takesMs = 20;
  const startedMs = performance.now();
  for (let n = 0; n < 5; n++) gathering.start(held(`a${n}`));
  await eventually(() => world.attached.size === 5);
  expect(world.most).toBe(1);
  expect(performance.now() - startedMs).toBeGreaterThan(5 * 20 + 4 * 3 * 20 - 20);
});

test("a slow resource does not keep another waiting, nor one caller's flood the others", async () => {
  const { world, gathering } = start();
  world.takesMs = 40;
  for (let n = 0; n < 20; n++) gathering.start(held(`flood${n}`));
  gathering.start(held("mine", { subject: "quiet" }));
  gathering.start(held("elsewhere", { resource: "other" }));
  await eventually(() => world.attached.has("mine") && world.attached.has("elsewhere"));
  expect([...world.attached.keys()].filter((id) => id.startsWith("flood")).length).toBeLessThan(3);
});

test("a line that is full says so on the request, and is not silent", async () => {
  const { world, gathering } = start();
  world.takesMs = 1000;
  for (let n = 0; n < 60; n++) gathering.start(held(`a${n}`));
  await eventually(() => world.attached.has("a59"));
  expect(world.attached.get("a59")).toMatchObject({ failure: expect.stringContaining("not looked into: 50 requests of agent") });
  expect(world.attached.get("a59")).not.toHaveProperty("affectedRows");
});

test.each([
  ["it is approved", (world: World) => world.events.get("a")?.({ sequence: 2, timeMs: 0, type: "approved", validUntilMs: 9 })],
  ["its caller is locked", (world: World) => world.revoke({ type: "principal", issuer: "i", subject: "agent" } as Revocation)],
  ["the sidecar stops", (_: World, gathering: Gathering) => void gathering.close()],
])("it lets go at once when %s", async (_, happen) => {
  const { world, gathering } = start();
  world.takesMs = 5000;
  gathering.start(held("a"));
  await eventually(() => world.wishes.length === 1);
  await sleep(10);
  happen(world, gathering);
  await eventually(() => world.wishes[0]?.signal.aborted === true && world.atOnce === 0);
  await sleep(20);
  expect(world.attached.size).toBe(0);
});

test("what a stored row says of the past does not try out what policy only plans now", async () => {
  const { world, gathering } = start();
  world.now = undefined;
  gathering.start(held("a", { evidence: "effect" }));
  await eventually(() => world.wishes.length === 1);
  expect(world.wishes[0]?.kind).toBe("plan");
});
