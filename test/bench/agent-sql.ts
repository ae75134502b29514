import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import { approverClient, getRequest, vote } from "../harness/approver.ts";
import { Instance } from "../harness/instance.ts";
import { median, percentile, type Report } from "./frame.ts";
import { cpuSeconds, residentMb, watchMemory } from "./process.ts";
import { Relay } from "./relay.ts";

const byKey = "select id, customer, total, status from orders where id = $1";
const manyRows = "select n as id, 'customer ' || n as customer, n * 1.5 as total from generate_series(1, 1000000) n";
const pending = 10_000;
const limits = `limits: { pendingPerPrincipal: ${pending + 1000} }\n`;

/** An agent's SQL through the SDK and the sidecar, beside the `pg` client directly. */
export async function agentSql(report: Report): Promise<void> {
  let relayTo = 0;
  await using relay = await Relay.open(() => relayTo);
  await using instance = await Instance.start();
  relayTo = instance.postgres.port;
  await largeResult(report, instance);
  await latency(report, instance);
  await throughput(report, instance);
  await using relayed = await Instance.start({ shares: instance, address: `127.0.0.1:${relay.port}`, config: limits });
  await approveToFirstByte(report, relayed, relay);
  await pendingRequests(report, relayed);
}

/** Time of a select by primary key, one at a time. */
async function latency(report: Report, instance: Instance): Promise<void> {
  await using cs = instance.client();
  const direct = new pg.Client(instance.postgres.connection("orders"));
  await direct.connect();
  const [rounds, calls] = [7, 500];
  const added: number[] = [];
  const own: number[] = [];
  for (let round = 0; round <= rounds; round++) {
    const a = await times(calls, (n) => direct.query(byKey, [1 + (n % 500)]));
    const b = await times(calls, (n) => cs.postgres("orders-db").query(byKey, [1 + (n % 500)]));
    // The first round warms both up.
    if (round === 0) continue;
    own.push(median(a));
    added.push(median(b) - median(a));
  }
  await direct.end();
  report.add("select by key, c=1: p50 direct", median(own), "ms");
  report.add("select by key, c=1: p50 added by Countersign", median(added), "ms", { atMost: 1.2 });
}

async function times(calls: number, call: (n: number) => Promise<unknown>): Promise<number[]> {
  const took: number[] = [];
  for (let n = 0; n < calls; n++) {
    const began = performance.now();
    await call(n);
    took.push(performance.now() - began);
  }
  return took;
}

/** Selects by primary key a second, sixteen at a time. */
async function throughput(report: Report, instance: Instance): Promise<void> {
  await using cs = instance.client();
  const pool = new pg.Pool({ ...instance.postgres.connection("orders"), max: 16 });
  const [rounds, seconds] = [7, 2];
  const ratios: number[] = [];
  const rates: number[] = [];
  for (let round = 0; round <= rounds; round++) {
    const direct = await rate(seconds, (n) => pool.query(byKey, [1 + (n % 500)]));
    const guarded = await rate(seconds, (n) => cs.postgres("orders-db").query(byKey, [1 + (n % 500)]));
    if (round === 0) continue;
    rates.push(guarded);
    ratios.push(guarded / direct);
  }
  await pool.end();
  report.add("select by key, c=16: through Countersign", median(rates), "/s");
  report.add("select by key, c=16: share of direct", median(ratios), "of direct", { atLeast: 0.35 });
}

async function rate(seconds: number, call: (n: number) => Promise<unknown>): Promise<number> {
  const began = performance.now();
  const until = began + seconds * 1000;
  let calls = 0;
  const loop = async () => {
    while (performance.now() < until) await call(calls++);
  };
  await Promise.all(Array.from({ length: 16 }, loop));
  return calls / ((performance.now() - began) / 1000);
}

/** A million rows, streamed. */
async function largeResult(report: Report, instance: Instance): Promise<void> {
  await using cs = instance.client();
  const direct = new pg.Client(instance.postgres.connection("orders"));
  await direct.connect();
  const ratios: number[] = [];
  using memory = watchMemory(instance.pid);
  for (let round = 0; round < 4; round++) {
    report.progress(`1,000,000 rows, round ${round + 1} of 4`);
    let began = performance.now();
    const rows = await new Promise<number>((resolve, reject) => {
      let count = 0;
      const query = direct.query(new pg.Query(manyRows));
      query.on("row", () => count++);
      query.on("end", () => resolve(count));
      query.on("error", reject);
    });
    const directMs = performance.now() - began;
    began = performance.now();
    let count = 0;
    for await (const _ of cs.postgres("orders-db").stream(manyRows)) count++;
    const guardedMs = performance.now() - began;
    if (rows !== 1_000_000 || count !== rows) throw new Error(`${count} of ${rows} rows arrived`);
    if (round > 0) ratios.push(directMs / guardedMs);
  }
  await direct.end();
  report.add("1,000,000 rows streamed: share of direct", median(ratios), "of direct", { atLeast: 0.4 });
  report.add("1,000,000 rows streamed: sidecar memory, peak", memory.peakMb, "MB", { atMost: 200 });
}

/** From the approver's call to the statement's bytes on their way to the database. */
async function approveToFirstByte(report: Report, instance: Instance, relay: Relay): Promise<void> {
  await using cs = instance.client();
  using approver = await approverClient(instance, "alice");
  const took: number[] = [];
  const rounds = 300;
  for (let round = 0; round < rounds + 20; round++) {
    const marker = `/* round ${round} */`;
    const handle = await cs.submit({
      kind: "postgres.query",
      resource: "orders-db",
      statement: `update orders set status = 'paid' where id = $1 ${marker}`,
      parameters: [1],
    });
    // What a person has looked at before the click.
    const { requestDigest } = await getRequest(approver, handle.id);
    const seen = relay.seen(marker);
    const began = performance.now();
    await vote(approver, handle.id, "approve", requestDigest);
    if (round >= 20) took.push((await seen) - began);
    await handle.result();
  }
  report.add("approve → statement on the wire: p50", median(took), "ms");
  report.add("approve → statement on the wire: p99", percentile(took, 0.99), "ms", { atMost: 15 });
}

/** What ten thousand waiting requests cost. */
async function pendingRequests(report: Report, instance: Instance): Promise<void> {
  await using cs = instance.client();
  report.progress(`opening ${pending} requests`);
  const began = performance.now();
  for (let n = 0; n < pending; n += 100) {
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
  report.add("requests opened", pending / ((performance.now() - began) / 1000), "/s");
  await sleep(3000);
  const before = cpuSeconds(instance.pid);
  await sleep(10_000);
  report.add("10,000 pending: processor", (cpuSeconds(instance.pid) - before) * 10, "% of a core", { atMost: 2 });
  report.add("10,000 pending: memory", residentMb(instance.pid), "MB", { atMost: 350 });
}
