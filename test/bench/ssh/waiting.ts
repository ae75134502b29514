import { setTimeout as sleep } from "node:timers/promises";
import { RequestState, type RevokeResponse } from "@countersign/rpc";
import { type ApproverConnection, approverClient, vote, waitForState } from "../../harness/approver.ts";
import type { SshWorld } from "../../harness/ssh-world.ts";
import { percentile, type Report } from "../frame.ts";
import { residentMb } from "../process.ts";
import { type Client, toListener } from "./client.ts";

/** Commands on one client's connection at the same time. */
const perConnection = 10;

/** What commands cost that wait for a person: each of a client of the listener, or each of an agent. */
export async function held(report: Report, world: SshWorld, count: number): Promise<void> {
  const { instance } = world;
  await using clients = new AsyncDisposableStack();
  report.progress(`${count} held commands of the listener's clients`);
  const beforeKb = await settledKb(instance.pid);
  for (let n = 0; n < count; n += perConnection) {
    const client = clients.use(await toListener(world));
    await Promise.all(
      Array.from({ length: Math.min(perConnection, count - n) }, (_, k) => hold(client, `touch /nowhere/${n + k}`)),
    );
  }
  const nativeKb = await settledKb(instance.pid);
  report.add(`${count} held, ${perConnection} on a connection: memory`, (nativeKb - beforeKb) / count, "KB each", {
    atMost: 100,
  });
  report.progress(`${count} held commands of an agent`);
  const cs = clients.use(instance.client());
  for (let n = 0; n < count; n += 50) {
    const some = Array.from({ length: Math.min(50, count - n) }, (_, k) =>
      cs.submit({ kind: "ssh.exec", resource: "web-1", command: `touch /nowhere/agent/${n + k}` }),
    );
    await Promise.all(some);
  }
  const agentKb = await settledKb(instance.pid);
  report.add(`${count} held by an agent: memory`, (agentKb - nativeKb) / count, "KB each", { atMost: 100 });
}

/** Resolves when the client was told that it waits. */
async function hold(client: Client, command: string): Promise<void> {
  const channel = await client.start(command);
  channel.resume().end();
  await new Promise<void>((resolve, reject) => {
    channel.stderr.once("data", (data: Buffer) =>
      data.includes("waiting for approval") ? resolve() : reject(new Error(data.toString())),
    );
  });
}

async function settledKb(pid: number): Promise<number> {
  await sleep(2000);
  return residentMb(pid) * 1024;
}

/** From an approver's word to the closed channel of the client, while its command runs. */
export async function revoked(report: Report, world: SshWorld, rounds: number): Promise<void> {
  using approver = await approverClient(world.instance, "alice");
  using client = await toListener(world);
  const took: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const channel = await client.start(`sleep 6${String(round).padStart(4, "0")}`);
    channel.resume().end();
    const closed = new Promise<void>((resolve) => channel.once("close", () => resolve()));
    const id = await new Promise<string>((resolve) => {
      channel.stderr.on("data", (data: Buffer) => resolve(/req_[0-9A-Za-z]+/.exec(data.toString())?.[0] ?? ""));
    });
    await vote(approver, id, "approve");
    await waitForState(approver, id, RequestState.EXECUTING);
    // So that it has been started, and not only claimed.
    await sleep(200);
    const began = performance.now();
    await revoke(approver, id);
    await closed;
    took.push(performance.now() - began);
  }
  report.add("revoke → channel closed: p50", percentile(took, 0.5), "ms");
  report.add("revoke → channel closed: p99", percentile(took, 0.99), "ms", { atMost: 250 });
}

function revoke({ client, metadata }: ApproverConnection, id: string): Promise<void> {
  return new Promise((resolve, reject) => {
    client.revoke({ id, reason: "bench" }, metadata, (error, _: RevokeResponse) => (error === null ? resolve() : reject(error)));
  });
}
