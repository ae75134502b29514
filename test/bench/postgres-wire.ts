import { Instance } from "../harness/instance.ts";
import { median, percentile, type Report } from "./frame.ts";
import { copiedIn, drained } from "./postgres-wire/bulk.ts";
import { crowd } from "./postgres-wire/crowd.ts";
import { fill, type Mode, selects, selectTimes, type Way } from "./postgres-wire/pgbench.ts";
import { Pooler } from "./postgres-wire/pooler.ts";
import { fiftyRules } from "./postgres-wire/rules.ts";
import { wayThrough } from "./postgres-wire/way.ts";
import { residentMb, watchMemory } from "./process.ts";
import { Relay } from "./relay.ts";

const modes: readonly Mode[] = ["simple", "extended", "prepared"];
const shares = { 16: { simple: 0.45, extended: 0.4, prepared: 0.45 }, 1: { simple: 0.7, extended: 0.7, prepared: 0.7 } } as const;

/** The ways that are compared, all to one server. */
interface Ways {
  readonly direct: Way;
  readonly pooler: Way;
  readonly relay: Way;
  readonly guarded: Way;
}

/** Unmodified PostgreSQL clients through Countersign, beside the server itself, pgbouncer and a bare relay; 50 rules, audit on. */
export async function postgresWire(report: Report): Promise<void> {
  const listener =
    "sidecar: { postgres: [{ tcp: 127.0.0.1:0 }] }\nlimits: { pendingPerPrincipal: 3000, connections: 10000, connectionsPerPrincipal: 10000 }\n";
  await using instance = await Instance.start({
    policy: fiftyRules(),
    config: listener,
    pool: "{ sessions: { max: 60, perPrincipal: 60 } }",
  });
  const { postgres } = instance;
  await fill({ name: "filling", ...postgres.connection("orders") }, 10);
  await postgres.query("grant all on all tables in schema public to orders_writer", [], "orders");
  await postgres.query("create unlogged table filler (n int, x text)", [], "orders");
  await postgres.query("alter table filler owner to orders_writer", [], "orders");
  const direct = { name: "direct", ...postgres.connection("orders", "orders_writer", instance.secrets[1]) };
  await using pooler = await Pooler.open(direct);
  await using relay = await Relay.open(() => postgres.port);
  const guarded = await wayThrough(instance, "writer");
  const ways: Ways = { direct, pooler: pooler.way, relay: { ...direct, name: "relay", port: relay.port }, guarded };
  for (const connections of [16, 1] as const) for (const mode of modes) await throughput(report, ways, mode, connections);
  for (const mode of modes) await added(report, ways, mode);
  await largeResult(report, ways, instance);
  await load(report, ways, instance);
  await crowd(report, guarded, instance);
}

/** Selects a second by every way in turn, as shares of direct; the first round warms up. */
async function throughput(report: Report, ways: Ways, mode: Mode, connections: 16 | 1): Promise<void> {
  const seen: Record<keyof Ways, number[]> = { direct: [], pooler: [], relay: [], guarded: [] };
  for (let round = 0; round < 4; round++) {
    report.progress(`pgbench -S -M ${mode} -c ${connections}, round ${round + 1} of 4`);
    const direct = await selects(ways.direct, mode, connections, 3);
    const rates = {
      direct,
      pooler: await selects(ways.pooler, mode, connections, 3),
      relay: await selects(ways.relay, mode, connections, 3),
      guarded: await selects(ways.guarded, mode, connections, 3),
    };
    if (round === 0) continue;
    seen.direct.push(direct);
    for (const way of ["pooler", "relay", "guarded"] as const) seen[way].push(rates[way] / direct);
  }
  const name = `${mode}, c=${connections}`;
  report.add(`${name}: direct`, median(seen.direct), "/s");
  report.add(`${name}: pgbouncer`, median(seen.pooler), "of direct");
  report.add(`${name}: bare relay in Node`, median(seen.relay), "of direct");
  report.add(`${name}: Countersign`, median(seen.guarded), "of direct", { atLeast: shares[connections][mode] });
}

/** What is added to each statement at half of the load that goes through. */
async function added(report: Report, { direct, relay, guarded }: Ways, mode: Mode): Promise<void> {
  report.progress(`latency at half load, ${mode}`);
  const rate = (await selects(guarded, mode, 16, 3)) / 2;
  const seen = { relay: { p50: [] as number[], p99: [] as number[] }, guarded: { p50: [] as number[], p99: [] as number[] } };
  for (let round = 0; round < 3; round++) {
    const own = await selectTimes(direct, mode, 16, rate, 4);
    for (const [name, way] of [["relay", relay] as const, ["guarded", guarded] as const]) {
      const through = await selectTimes(way, mode, 16, rate, 4);
      seen[name].p50.push(percentile(through, 0.5) - percentile(own, 0.5));
      seen[name].p99.push(percentile(through, 0.99) - percentile(own, 0.99));
    }
  }
  report.add(`${mode}, half load: p50 added by a bare relay`, median(seen.relay.p50), "ms");
  report.add(`${mode}, half load: p50 added`, median(seen.guarded.p50), "ms", { atMost: 0.1 });
  report.add(`${mode}, half load: p99 added by a bare relay`, median(seen.relay.p99), "ms");
  report.add(`${mode}, half load: p99 added`, median(seen.guarded.p99), "ms", { atMost: 1 });
}

const oneGigabyte = "select repeat('0', 1000) from generate_series(1, 1000000)";

async function largeResult(report: Report, { direct, relay, guarded }: Ways, { pid }: Instance): Promise<void> {
  const ratios: { readonly guarded: number; readonly relay: number }[] = [];
  const beforeMb = residentMb(pid);
  using memory = watchMemory(pid);
  for (let round = 0; round < 4; round++) {
    report.progress(`1 GB result, round ${round + 1} of 4`);
    const own = await drained(direct, oneGigabyte);
    const relayed = await drained(relay, oneGigabyte);
    const through = await drained(guarded, oneGigabyte);
    if (through.bytes < 1_000_000_000) throw new Error(`${through.bytes} of ${own.bytes} bytes arrived`);
    if (round > 0) ratios.push({ guarded: own.ms / through.ms, relay: own.ms / relayed.ms });
  }
  report.add("1 GB result: bare relay in Node", median(ratios.map((one) => one.relay)), "of direct");
  report.add("1 GB result: Countersign", median(ratios.map((one) => one.guarded)), "of direct", { atLeast: 0.75 });
  report.add("1 GB result: memory added, peak", memory.peakMb - beforeMb, "MB", { atMost: 64 });
}

async function load(report: Report, { direct, relay, guarded }: Ways, { pid }: Instance): Promise<void> {
  const ratios: { readonly guarded: number; readonly relay: number }[] = [];
  const lines = 5_000_000;
  const beforeMb = residentMb(pid);
  using memory = watchMemory(pid);
  for (let round = 0; round < 4; round++) {
    report.progress(`COPY of 500 MB, round ${round + 1} of 4`);
    const own = await copiedIn(direct, lines);
    const relayed = await copiedIn(relay, lines);
    const through = await copiedIn(guarded, lines);
    if (round > 0) ratios.push({ guarded: own / through, relay: own / relayed });
  }
  report.add("COPY of 500 MB: bare relay in Node", median(ratios.map((one) => one.relay)), "of direct");
  report.add("COPY of 500 MB: Countersign", median(ratios.map((one) => one.guarded)), "of direct", { atLeast: 0.7 });
  report.add("COPY of 500 MB: memory added, peak", memory.peakMb - beforeMb, "MB", { atMost: 64 });
}
