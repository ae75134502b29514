// A control plane and a guard over real files and a real PostgreSQL, driven by lines of JSON, so that a test can kill it often. Its modules
// are loaded before the first line arrives: the next one is made ready while the one before is at work.
import { join } from "node:path";
import { createInterface } from "node:readline";
import {
  type Approver,
  CountersignError,
  loadPolicy,
  type PostgresQuery,
  type Principal,
  type RequestState,
  transitions,
} from "@countersign/policy";
import { logOrigin } from "../../../packages/cli/src/log-origin.ts";
import { openEmbeddedControlPlane } from "../../../packages/control/src/embedded.ts";
import { openEmbeddedLog } from "../../../packages/control/src/embedded-log.ts";
import { openKeys } from "../../../packages/control/src/keys.ts";
import type { StoredRequest } from "../../../packages/control/src/stores/request-store.ts";
import type { Viewer } from "../../../packages/sidecar/src/event-writer.ts";
import { openPostgresConnector } from "../../../packages/sidecar/src/protocols/postgres/connector.ts";
import { postgresResourceSchema } from "../../../packages/sidecar/src/protocols/postgres/resource.ts";
import { randomPool } from "../../../packages/sidecar/src/random-pool.ts";
import { recover } from "../../../packages/sidecar/src/recovery.ts";
import { Results } from "../../../packages/sidecar/src/results.ts";
import { openGuard } from "../../harness/guard.ts";
import { type Ask, isAlone, type Line, type Start, type Told } from "./wire.ts";

const resource = "runs-db";
const agent: Principal = { issuer: "soak", subject: "agent", groups: [], claims: {} };
const person = (subject: string): Approver => ({ issuer: "soak", subject, groups: ["dba"] });
const admin = person("admin");

const insertOf = (marker: string): PostgresQuery => ({
  ...{ kind: "postgres.query", statement: "insert into runs (marker) values ($1)", parameters: [{ text: marker }] },
});
const alone: PostgresQuery = { kind: "postgres.query", statement: "reindex table nothing", parameters: [] };

/** The table's keys are the states. */
const states = Object.keys(transitions) as RequestState[];

const policy = loadPolicy({
  "policy.yaml": `version: 1
rules:
  - id: writes
    resources: [${resource}]
    when: sql.writes || sql.ddl
    effect: review
    role: writer
    approval:
      stages: [{ approvers: [group:dba], count: 2 }]
      expires: 1h
      validFor: 5m
`,
});

// What arrives before the first is answered waits in the interface.
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const first = await lines.next();
const { folder, address, user, stopAt }: Start = JSON.parse(first.value ?? "null");
let left = stopAt?.count ?? 0;

const keys = openKeys(folder);
const plane = await openEmbeddedControlPlane({
  folder,
  keys,
  openLog: () => openEmbeddedLog(folder, keys, logOrigin(keys.log.publicKey)),
});
const connector = openPostgresConnector(
  postgresResourceSchema.parse({
    ...{ name: resource, type: "postgres", address, database: "postgres", tls: "disable", pool: { max: 16 } },
    roles: { writer: { user, password: { env: "PASSWORD" } } },
  }),
  { folder, env: process.env },
);
const { guard, parts } = openGuard({
  ...{ plane, connector, resource, roles: ["writer"], policy: () => policy, voteKey: keys.vote.publicKey, random: randomPool() },
  results: await openResults(),
  onStep: (step) => {
    if (step === stopAt?.step && --left === 0) process.kill(process.pid, "SIGKILL");
  },
});
await recover(guard, parts);
// Callers come back to what they have asked for.
for (const { id } of await newest(100)) void follow(id);
write({ ready: true });

for (let line = await lines.next(); line.done !== true; line = await lines.next()) {
  const { number, ...ask }: Ask & { number: number } = JSON.parse(line.value);
  void answer(ask).then(
    (given) => write({ number, answer: given }),
    (error: unknown) => write({ number, refused: error instanceof CountersignError ? error.code : String(error) }),
  );
}

async function answer(ask: Ask) {
  switch (ask.ask) {
    case "submit":
      return submit(ask.marker);
    case "vote": {
      const attempt = { requestDigest: ask.digest, verdict: ask.verdict, comment: "" };
      return told(await plane.approvals.vote(ask.id, attempt, person(ask.who)));
    }
    case "revoke":
      return told(await plane.revoking.request(ask.id, admin, "soak"));
    case "resolve":
      return told(await plane.resolving.resolve(ask.id, person("alice"), ask.happened, "looked"));
    case "lock":
      return { lock: (await plane.revoking.lock(ask.target, admin, "soak")).id };
    case "lift":
      return { lock: (await plane.revoking.lift(ask.lock, admin, "soak")).id };
    case "list":
      return { requests: await newest(ask.most), locks: plane.revoking.locks().map(({ id }) => id) };
    case "close":
      await guard.close();
      await plane.close();
      await connector.close();
      return {};
  }
}

async function submit(marker: string): Promise<Told> {
  const { request } = await guard.submit({
    ...{ principal: agent, resource, reason: "", session: "", durable: true, idempotencyKey: marker },
    operation: isAlone(marker) ? alone : insertOf(marker),
  });
  if (request === undefined) throw new Error("policy refuses it");
  void follow(request.binding.requestId);
  const { request: stored } = await plane.approvals.get(request.binding.requestId);
  return told(stored);
}

/** Tells what the caller of a request is told. */
async function follow(id: string): Promise<void> {
  const viewer: Viewer = {
    signal: new AbortController().signal,
    send(events) {
      for (const { event } of events) {
        if (event?.$case !== "done") continue;
        void plane.approvals.get(id).then(({ request }) => write({ ended: id, state: request.state }));
      }
    },
  };
  await guard.watch(agent, id, 0, viewer).catch(() => {});
}

async function newest(most: number): Promise<readonly Told[]> {
  const all: Told[] = [];
  let after: { createdMs: number; id: string } | undefined;
  while (all.length < most) {
    const some = await plane.approvals.list({ states, ...(after && { after }) }, Math.min(500, most - all.length));
    all.push(...some.map(told));
    const last = some.at(-1);
    if (last === undefined) break;
    after = { createdMs: last.createdMs, id: last.binding.requestId };
  }
  return all;
}

function told({ binding, requestDigest, state, votes, idempotencyKey = "" }: Omit<StoredRequest, "action" | "facts">): Told {
  return {
    ...{ id: binding.requestId, marker: idempotencyKey, digest: requestDigest, state },
    votes: votes.map(({ approver, verdict }) => ({ who: approver.subject, verdict })),
  };
}

async function openResults(): Promise<Results> {
  const results = new Results({
    ...{ folder: join(folder, "results"), key: Buffer.alloc(32, 1), capBytes: 1 << 20, keepMs: 3_600_000, now: plane.now },
  });
  await results.sweep();
  return results;
}

function write(line: Line): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}
