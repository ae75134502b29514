import { setTimeout as sleep } from "node:timers/promises";
import { type ListRequestsResponse, type LockResponse, RequestState, type RevokeResponse } from "@countersign/rpc";
import type { Countersign } from "@countersign/sdk";
import { type ApproverConnection, approverClient, vote, waitForState } from "../harness/approver.ts";
import { Instance } from "../harness/instance.ts";
import { percentile, type Report } from "./frame.ts";
import { residentMb, watchMemory } from "./process.ts";
import { StoredRequests } from "./stored-requests.ts";

/** A size; smaller ones, by environment, are for trying something out quickly. */
const size = (name: string, usual: number) => Number(process.env[`BENCH_${name}`] ?? usual);

const stored = size("STORED", 100_000);
const held = size("HELD", 10_000);
const votesPerSecond = 500;
const warmUpSeconds = 8;
const voteSeconds = size("SECONDS", 30);
const cuts = size("CUTS", 100);
const limits = `limits: { pendingPerPrincipal: ${2 * held} }\n`;

/** What approvers wait for, with much in the store, and how fast what they take back is cut. */
export async function approvals(report: Report): Promise<void> {
  await using instance = await Instance.start({ config: limits });
  await instance.end();
  const requests = await StoredRequests.fill(instance.data, stored, (count) => report.progress(`${count} requests stored`));
  const began = performance.now();
  await instance.up();
  report.add(`${stored} pending: start`, (performance.now() - began) / 1000, "s");
  using alice = await approverClient(instance, "alice");
  await inbox(report, instance, alice);
  await voting(report, instance, alice, requests);
  await cutting(report, instance, alice);
  await locking(report, instance);
}

/** The first page, as the console and the command line ask for it. */
async function inbox(report: Report, instance: Instance, approver: ApproverConnection): Promise<void> {
  const took: number[] = [];
  for (let round = 0; round < 220; round++) {
    const began = performance.now();
    const { requests } = await firstPage(approver);
    if (round >= 20) took.push(performance.now() - began);
    if (requests.length !== 50) throw new Error(`the first page holds ${requests.length} requests`);
  }
  report.add(`${stored} pending: inbox, first page, p50`, percentile(took, 0.5), "ms");
  report.add(`${stored} pending: inbox, first page, p99`, percentile(took, 0.99), "ms", { atMost: 50 });
  report.add(`${stored} pending: memory`, residentMb(instance.pid), "MB");
}

/** Votes at a steady rate, each measured from when it was due, so that one that waits for others counts as late. */
async function voting(report: Report, instance: Instance, approver: ApproverConnection, requests: StoredRequests): Promise<void> {
  using memory = watchMemory(instance.pid);
  const cast = async () => {
    const one = requests.take();
    if (one !== undefined) await vote(approver, one.id, "approve", one.digest);
    return one !== undefined;
  };
  report.progress(`${votesPerSecond} votes/s for ${voteSeconds} s`);
  // Whoever measures compiles what it uses meanwhile, and stops for 40 ms once when it does.
  await steadily(warmUpSeconds, cast);
  const began = performance.now();
  const took = await steadily(voteSeconds, cast);
  const rate = took.length / ((performance.now() - began) / 1000);
  report.add(`votes at ${votesPerSecond}/s: p50`, percentile(took, 0.5), "ms");
  report.add(`votes at ${votesPerSecond}/s: p99`, percentile(took, 0.99), "ms", { atMost: 10 });
  report.add(`votes at ${votesPerSecond}/s: sustained`, rate, "/s", { atLeast: votesPerSecond * 0.99 });
  report.progress("as many votes as it takes");
  const from = performance.now();
  const until = from + (voteSeconds / 2) * 1000;
  let votes = 0;
  const voter = async () => {
    while (performance.now() < until && (await cast())) votes++;
  };
  await Promise.all(Array.from({ length: 32 }, voter));
  report.add("votes, 32 at a time", votes / ((performance.now() - from) / 1000), "/s", { atLeast: votesPerSecond });
  report.add("votes: memory, peak", memory.peakMb, "MB");
}

/** Casts at a steady rate. @returns how long each took from when it was due, milliseconds. */
async function steadily(seconds: number, cast: () => Promise<boolean>): Promise<readonly number[]> {
  const took: number[] = [];
  const under: Promise<void>[] = [];
  const began = performance.now();
  for (let n = 0; n < votesPerSecond * seconds; n++) {
    const dueMs = began + (n * 1000) / votesPerSecond;
    const waitMs = dueMs - performance.now();
    if (waitMs > 1) await sleep(waitMs);
    under.push(cast().then((was) => void (was && took.push(performance.now() - dueMs))));
  }
  await Promise.all(under);
  return took;
}

/** From the approver's call to the end of the statement at the database. */
async function cutting(report: Report, instance: Instance, approver: ApproverConnection): Promise<void> {
  await using cs = instance.client();
  const took: number[] = [];
  for (let round = 0; round < cuts; round++) {
    const marker = `/* cut ${round} */`;
    const handle = await running(
      cs,
      instance,
      approver,
      `update orders set total = total where id = 1 and pg_sleep(60) is not null ${marker}`,
    );
    const began = performance.now();
    const ended = handle.result().catch(() => {});
    await new Promise<void>((resolve, reject) => {
      approver.client.revoke({ id: handle.id, reason: "bench" }, approver.metadata, (error, _: RevokeResponse) =>
        error === null ? resolve() : reject(error),
      );
    });
    await ended;
    took.push(performance.now() - began);
    if (Number(await active(instance, marker)) !== 0) throw new Error("the statement goes on");
  }
  report.add("revoke → statement cut: p50", percentile(took, 0.5), "ms");
  report.add("revoke → statement cut: p99", percentile(took, 0.99), "ms", { atMost: 250 });
}

/** Submits and approves a statement and waits until the database is at work on it. */
async function running(cs: Countersign, instance: Instance, approver: ApproverConnection, statement: string) {
  const handle = await cs.submit({ kind: "postgres.query", resource: "orders-db", statement });
  await vote(approver, handle.id, "approve");
  await waitForState(approver, handle.id, RequestState.EXECUTING);
  while (Number(await active(instance, statement.slice(statement.indexOf("/*")))) === 0) await sleep(2);
  return handle;
}

function active(instance: Instance, marker: string): Promise<unknown> {
  return instance.value(
    `select count(*) from pg_stat_activity where state = 'active' and query like '%${marker}%' and pid <> pg_backend_pid()`,
  );
}

/** How long a lock takes while a sidecar holds much: one that nothing waits by, and one that ends all that waits. */
async function locking(report: Report, instance: Instance): Promise<void> {
  await using another = await Instance.start({ shares: instance, config: limits });
  await using cs = another.client();
  using bob = await approverClient(another, "bob");
  report.progress(`opening ${held} requests`);
  for (let n = 0; n < held; n += 100) {
    const some = Array.from({ length: 100 }, (_, i) =>
      cs.submit({
        kind: "postgres.query",
        resource: "orders-db",
        statement: "delete from orders where id = $1",
        parameters: [n + i],
      }),
    );
    await Promise.all(some);
  }
  const took: number[] = [];
  for (let round = 0; round < cuts; round++) {
    const began = performance.now();
    await lock(bob, { $case: "approver", value: `somebody-${round}` });
    took.push(performance.now() - began);
  }
  report.add(`${held} held: lock → returns, p50`, percentile(took, 0.5), "ms");
  report.add(`${held} held: lock → returns, p99`, percentile(took, 0.99), "ms");
  const began = performance.now();
  await lock(bob, { $case: "resource", value: "orders-db" });
  report.add(`lock that ends ${held} requests → returns`, (performance.now() - began) / 1000, "s", { atMost: 1 });
  while ((await firstPage(bob)).requests.length > 0) await sleep(20);
  report.add(`lock that ends ${held} requests → they have ended`, (performance.now() - began) / 1000, "s");
}

function lock({ client, metadata }: ApproverConnection, target: LockTargetCase): Promise<LockResponse> {
  return new Promise((resolve, reject) => {
    client.lock({ target: { target }, reason: "bench" }, metadata, (error, answer) =>
      error === null ? resolve(answer) : reject(error),
    );
  });
}

type LockTargetCase =
  | { readonly $case: "approver"; readonly value: string }
  | { readonly $case: "resource"; readonly value: string };

function firstPage({ client, metadata }: ApproverConnection): Promise<ListRequestsResponse> {
  const request = { states: [RequestState.PENDING], pageSize: 50, pageToken: "" };
  return new Promise((resolve, reject) => {
    client.listRequests(request, metadata, (error, answer) => (error === null ? resolve(answer) : reject(error)));
  });
}
