import { CountersignError, type LockTarget } from "@countersign/policy";
import { agent, people, resource } from "./people.ts";
import type { World } from "./world.ts";

/** How often each thing may happen in one run. */
export interface Bounds {
  readonly crashes: number;
  /** Writes of the store or the log that fail with nothing changed. */
  readonly faults: number;
  /** Answers of the target other than success. */
  readonly targetFaults: number;
  readonly passes: number;
  readonly setBacks: number;
  readonly setAheads: number;
  readonly policies: number;
}

/** Something that somebody asks for; refused by throwing. */
export interface Command {
  readonly name: string;
  readonly run: (world: World) => Promise<unknown>;
}

/** Who takes part, what each may do in this order, and how often what may happen. */
export interface Scenario {
  readonly name: string;
  /** Done before the exploration, one after the other. */
  readonly before: readonly (Command & { readonly actor: string })[];
  readonly actors: Readonly<Record<string, readonly Command[]>>;
  readonly sidecars: 1 | 2;
  readonly bounds: Bounds;
  /** More, for the long form; absent = the same. */
  readonly deep?: Bounds;
}

const none: Bounds = { crashes: 0, faults: 0, targetFaults: 0, passes: 0, setBacks: 0, setAheads: 0, policies: 0 };

const submit: Command = {
  name: "submits",
  run: (world) => world.scheduler.as("sidecar 1", () => world.guard.submit(world.call)),
};
const cancel: Command = {
  name: "cancels",
  run: (world) => world.scheduler.as("sidecar 1", () => world.guard.cancel(agent, world.id)),
};

function vote(who: keyof typeof people, verdict: "approve" | "deny" = "approve"): Command {
  const approver = people[who];
  return {
    name: `votes to ${verdict}`,
    async run(world) {
      const { id } = world;
      world.invariants.votes(approver.subject);
      const requestDigest = world.tables.requests.get(id)?.requestDigest ?? "";
      await world.plane.approvals.vote(id, { requestDigest, verdict, comment: "" }, approver);
      const stored = world.tables.requests.get(id)?.votes ?? [];
      if (!stored.some((one) => one.approver.subject === approver.subject))
        world.invariants.lost("a vote that was acknowledged is not stored");
    },
  };
}

/** Somebody agrees to what is not what is asked. */
const voteOverAnother: Command = {
  name: "votes over another digest",
  async run(world) {
    const attempt = { requestDigest: `sha256:${"0".repeat(64)}`, verdict: "approve", comment: "" } as const;
    await world.plane.approvals.vote(world.id, attempt, people.bob);
    world.invariants.lost("a vote over another digest was taken");
  },
};

const revoke: Command = {
  name: "revokes the request",
  async run(world) {
    const { id } = world;
    await world.plane.revoking.request(id, people.admin, "wrong");
    world.invariants.takenBack.add(`request ${id}`);
    const state = world.tables.requests.get(id)?.state;
    if (state === "pending" || state === "approved") world.invariants.lost("a revocation that was acknowledged does not hold");
  },
};

function lock(target: LockTarget): Command {
  const name = nameOf(target);
  return {
    name: `locks the ${name}`,
    async run(world) {
      await world.plane.revoking.lock(target, people.admin, "stolen");
      world.invariants.takenBack.add(name);
    },
  };
}

const lift: Command = {
  name: "lifts the lock",
  async run(world) {
    const [found] = world.plane.revoking.locks();
    if (found === undefined) throw new CountersignError("not_found", "There is no lock.");
    world.invariants.givesBack(nameOf(found.target));
    await world.plane.revoking.lift(found.id, people.admin, "found");
  },
};

function resolve(happened: boolean): Command {
  return {
    name: `says that it ${happened ? "happened" : "did not"}`,
    run: (world) => world.plane.resolving.resolve(world.id, people.bob, happened, "looked"),
  };
}

function nameOf(target: LockTarget): string {
  return target.type === "resource" ? `resource ${target.resource}` : `${target.type} ${target.subject}`;
}

const asked = { actor: "agent", ...submit };
const half = [asked, { actor: "alice", ...vote("alice") }];
const alice: LockTarget = { type: "approver", subject: "alice" };

/** What is explored, to the end. */
export const scenarios: readonly Scenario[] = [
  {
    name: "votes: a second account, the owner, another digest",
    before: [asked],
    actors: { alice: [vote("alice")], "alice-oncall": [vote("aliceAgain")], olga: [vote("olga")], bob: [voteOverAnother] },
    sidecars: 1,
    bounds: none,
  },
  {
    name: "votes: two people at once",
    before: [asked],
    actors: { alice: [vote("alice")], bob: [vote("bob")], "alice-oncall": [vote("aliceAgain")] },
    sidecars: 1,
    bounds: none,
    deep: { ...none, crashes: 1 },
  },
  {
    name: "votes: a no, by one who may and by the owner",
    before: half,
    actors: { olga: [vote("olga", "deny")], bob: [vote("bob", "deny")], carl: [vote("carl")] },
    sidecars: 1,
    bounds: none,
    deep: { ...none, crashes: 1 },
  },
  {
    name: "claims: two sidecars, a revocation, a crash",
    before: half,
    actors: { bob: [vote("bob")], admin: [revoke] },
    sidecars: 2,
    bounds: { ...none, crashes: 1 },
    deep: { ...none, crashes: 2, passes: 1 },
  },
  {
    name: "locks: an approver is locked, a crash",
    before: half,
    actors: { bob: [vote("bob")], admin: [lock(alice)] },
    sidecars: 1,
    bounds: { ...none, crashes: 1 },
    deep: { ...none, crashes: 2, faults: 1 },
  },
  {
    name: "locks: an approver is locked and lifted",
    before: half,
    actors: { bob: [vote("bob")], admin: [lock(alice), lift] },
    sidecars: 1,
    bounds: none,
    deep: { ...none, crashes: 1 },
  },
  {
    name: "locks: the caller is locked",
    before: half,
    actors: { bob: [vote("bob")], admin: [lock({ type: "principal", issuer: agent.issuer, subject: agent.subject })] },
    sidecars: 1,
    bounds: none,
    deep: { ...none, crashes: 1, targetFaults: 1 },
  },
  {
    name: "locks: the resource is locked",
    before: half,
    actors: { bob: [vote("bob")], admin: [lock({ type: "resource", resource })] },
    sidecars: 1,
    bounds: { ...none, targetFaults: 1 },
    deep: { ...none, targetFaults: 1, crashes: 1 },
  },
  {
    name: "time: nobody answers",
    before: [asked],
    actors: { alice: [vote("alice")] },
    sidecars: 1,
    bounds: { ...none, passes: 2 },
    deep: { ...none, passes: 3, setBacks: 1, setAheads: 1, crashes: 1 },
  },
  {
    name: "time: escalation",
    before: [asked],
    actors: { alice: [vote("alice")], lena: [vote("lena")] },
    sidecars: 1,
    bounds: { ...none, passes: 1 },
    deep: { ...none, passes: 2, setBacks: 1, setAheads: 1 },
  },
  {
    name: "time: expiry, a crash, a clock that is set back",
    before: half,
    actors: { bob: [vote("bob")] },
    sidecars: 1,
    bounds: { ...none, passes: 1, setBacks: 1, crashes: 1 },
    deep: { ...none, passes: 3, setBacks: 1, crashes: 1 },
  },
  {
    name: "time: a clock that is set ahead",
    before: half,
    actors: { bob: [vote("bob")], lena: [vote("lena")] },
    sidecars: 1,
    bounds: { ...none, setAheads: 1 },
    deep: { ...none, setAheads: 2, setBacks: 1, crashes: 1 },
  },
  {
    name: "policy: it changes, a revocation",
    before: half,
    actors: { bob: [vote("bob")], admin: [revoke] },
    sidecars: 1,
    bounds: { ...none, policies: 1 },
    deep: { ...none, policies: 1, crashes: 1 },
  },
  {
    name: "faults: the log, the store or the target fails, a crash",
    before: half,
    actors: { bob: [vote("bob")] },
    sidecars: 1,
    bounds: { ...none, faults: 1, targetFaults: 1, crashes: 1 },
    deep: { ...none, faults: 2, targetFaults: 1, crashes: 2 },
  },
  {
    name: "asking: one key twice, a cancel",
    before: [],
    actors: { agent: [submit, cancel], "agent again": [submit] },
    sidecars: 1,
    bounds: { ...none, crashes: 1 },
  },
  {
    name: "doubt: the target tells later, a crash",
    before: half,
    actors: { bob: [vote("bob")] },
    sidecars: 1,
    bounds: { ...none, crashes: 1, targetFaults: 1 },
    deep: { ...none, crashes: 2, targetFaults: 1, faults: 1 },
  },
  {
    name: "doubt: the log and the store fail one after the other",
    before: half,
    actors: { bob: [vote("bob")] },
    sidecars: 1,
    bounds: { ...none, faults: 2 },
    deep: { ...none, faults: 2, targetFaults: 1 },
  },
  {
    name: "doubt: a person says what the target tells later",
    before: half,
    actors: { bob: [vote("bob"), resolve(false)] },
    sidecars: 1,
    bounds: { ...none, crashes: 1, targetFaults: 1 },
  },
];

/** The same with more that may happen. */
export function deep(scenario: Scenario): Scenario {
  return { ...scenario, bounds: scenario.deep ?? scenario.bounds };
}
