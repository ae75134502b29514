import { Instance } from "../harness/instance.ts";
import { median, percentile, type Report } from "./frame.ts";
import { heldRequests } from "./http/held.ts";
import { NginxProxy } from "./http/nginx-proxy.ts";
import { NodeProxy } from "./http/node-proxy.ts";
import { Load, Upstream } from "./http/processes.ts";
import { fiftyHttpRules } from "./http/rules.ts";
import { type Way, wayThrough } from "./http/way.ts";
import { cpuSeconds, watchMemory } from "./process.ts";

/** A size; smaller ones, by environment, are for trying something out quickly. */
const size = (name: string, usual: number) => Number(process.env[`BENCH_${name}`] ?? usual);

const rounds = size("ROUNDS", 3);
const roundMs = size("ROUND_MS", 4000);
const megabytes = size("MB", 1000);
const held = size("HELD", 2000);

/** The ways that are compared. */
interface Ways {
  readonly direct: Way;
  readonly nginx: Way;
  readonly node: Way;
  readonly guarded: Way;
}

const small = { method: "GET", path: "/small", bodyBytes: 0 } as const;

/** Unmodified HTTP clients through Countersign, beside the API itself, nginx as a reverse proxy and the least that one in Node does; 50 rules, audit on. */
export async function http(report: Report): Promise<void> {
  using upstream = await Upstream.start();
  using nginx = await NginxProxy.start(upstream.port);
  using node = await NodeProxy.start({
    origin: `http://127.0.0.1:${upstream.port}`,
    authorization: "Bearer t0ken-of-the-target",
  });
  await using instance = await Instance.start({
    policy: fiftyHttpRules(),
    config: configFor(upstream.port),
    files: { token: "t0ken-of-the-target" },
  });
  using load = new Load();
  const ways: Ways = {
    direct: { name: "direct", port: upstream.port, headers: [] },
    nginx: { name: "nginx", port: nginx.port, headers: [] },
    node: { name: "a bare proxy in Node", port: node.port, headers: [] },
    guarded: await wayThrough(instance),
  };
  for (const connections of [32, 1]) await throughput(report, { ways, load, pid: instance.pid }, connections);
  await added(report, { ways, load, pid: instance.pid });
  const bytes = megabytes * 1024 * 1024;
  await transfer(report, { ways, load, pid: instance.pid }, "down", {
    method: "GET",
    path: `/large?bytes=${bytes}`,
    bodyBytes: 0,
  });
  await transfer(report, { ways, load, pid: instance.pid }, "up", { method: "PUT", path: "/sink", bodyBytes: bytes });
  await heldRequests(report, ways.guarded, instance.pid, held);
}

function configFor(port: number): string {
  return `  - name: api
    type: http
    origin: http://127.0.0.1:${port}
    tls: disable
    allowPrivate: true
    roles: { reader: { bearer: { file: token } }, writer: { bearer: { file: token } } }
sidecar: { http: [{ tcp: 127.0.0.1:0, resource: api }] }
limits: { pendingPerPrincipal: 3000, connections: 10000, connectionsPerPrincipal: 10000 }
`;
}

interface Parts {
  readonly ways: Ways;
  readonly load: Load;
  /** Of Countersign. */
  readonly pid: number;
}

/** Requests a second by every way in turn, as shares of direct; the first round warms up. */
async function throughput(report: Report, { ways, load, pid }: Parts, connections: number): Promise<void> {
  const seen: Record<"direct" | "nginx" | "node" | "guarded" | "cpu", number[]> = {
    ...{ direct: [], nginx: [], node: [] },
    ...{ guarded: [], cpu: [] },
  };
  const rate = async ({ port, headers }: Way): Promise<number> => {
    const { count, ms } = await load.run({ ...small, port, headers, connections, ms: roundMs });
    return (count / ms) * 1000;
  };
  for (let round = 0; round <= rounds; round++) {
    report.progress(`GET of 1 KB, c=${connections}, round ${round + 1} of ${rounds + 1}`);
    const direct = await rate(ways.direct);
    const nginx = await rate(ways.nginx);
    const node = await rate(ways.node);
    const before = cpuSeconds(pid);
    const { count, ms } = await load.run({ ...small, ...ways.guarded, connections, ms: roundMs });
    if (round === 0) continue;
    seen.direct.push(direct);
    seen.nginx.push(nginx / direct);
    seen.node.push(node / direct);
    seen.guarded.push(((count / ms) * 1000) / direct);
    seen.cpu.push(((cpuSeconds(pid) - before) / count) * 1e6);
  }
  const name = `GET of 1 KB, c=${connections}`;
  report.add(`${name}: direct`, median(seen.direct), "/s");
  report.add(`${name}: nginx`, median(seen.nginx), "of direct");
  report.add(`${name}: a bare proxy in Node`, median(seen.node), "of direct");
  report.add(`${name}: Countersign`, median(seen.guarded), "of direct", connections === 32 ? { atLeast: 0.35 } : undefined);
  report.add(`${name}: processor time of the sidecar`, median(seen.cpu), "µs each");
}

/** What is added to each request at half of the load that goes through. */
async function added(report: Report, { ways: { direct, nginx, node, guarded }, load }: Parts): Promise<void> {
  report.progress("latency at half load, c=32");
  const { count, ms } = await load.run({ ...small, ...guarded, connections: 32, ms: roundMs });
  const rate = ((count / ms) * 1000) / 2;
  const seen: Record<"nginx" | "node" | "p50" | "p99", number[]> = { nginx: [], node: [], p50: [], p99: [] };
  for (let round = 0; round < rounds; round++) {
    const job = { ...small, connections: 32, ms: roundMs, rate };
    const own = await load.run({ ...job, ...direct });
    const by = async (way: Way, share: number) =>
      percentile((await load.run({ ...job, ...way })).took, share) - percentile(own.took, share);
    seen.nginx.push(await by(nginx, 0.5));
    seen.node.push(await by(node, 0.5));
    seen.p50.push(await by(guarded, 0.5));
    seen.p99.push(await by(guarded, 0.99));
  }
  report.add("GET of 1 KB, half load: p50 added by nginx", median(seen.nginx), "ms");
  report.add("GET of 1 KB, half load: p50 added by a bare proxy in Node", median(seen.node), "ms");
  report.add("GET of 1 KB, half load: p50 added", median(seen.p50), "ms", { atMost: 1 });
  report.add("GET of 1 KB, half load: p99 added", median(seen.p99), "ms");
}

/** One large body, as shares of direct; and the processor time that it takes the sidecar, which says the same on a busy machine. */
async function transfer(
  report: Report,
  { ways, load, pid }: Parts,
  direction: "up" | "down",
  asked: { readonly method: string; readonly path: string; readonly bodyBytes: number },
): Promise<void> {
  const seen: Record<"nginx" | "node" | "guarded" | "cpu", number[]> = { nginx: [], node: [], guarded: [], cpu: [] };
  const once = async (way: Way) => (await load.run({ ...asked, ...way, connections: 1, count: 1 })).ms;
  await once({ ...ways.guarded });
  using memory = watchMemory(pid);
  const beforeMb = memory.peakMb;
  for (let round = 0; round <= rounds; round++) {
    report.progress(`${megabytes} MB ${direction}, round ${round + 1} of ${rounds + 1}`);
    const own = await once(ways.direct);
    const proxied = await once(ways.nginx);
    const bare = await once(ways.node);
    const before = cpuSeconds(pid);
    const through = await once(ways.guarded);
    if (round === 0) continue;
    seen.nginx.push(own / proxied);
    seen.node.push(own / bare);
    seen.guarded.push(own / through);
    seen.cpu.push(cpuSeconds(pid) - before);
  }
  const name = `${megabytes} MB ${direction}`;
  report.add(`${name}: nginx`, median(seen.nginx), "of direct");
  report.add(`${name}: a bare proxy in Node`, median(seen.node), "of direct");
  report.add(`${name}: Countersign`, median(seen.guarded), "of direct", { atLeast: 0.6 });
  report.add(`${name}: processor time of the sidecar`, median(seen.cpu), "s");
  report.add(`${name}: memory added, peak`, memory.peakMb - beforeMb, "MB", { atMost: 64 });
}
