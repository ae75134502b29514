import { adminToken } from "../harness/kubernetes/kubernetes-api.ts";
import { PodSessions } from "../harness/kubernetes/stream/pod-sessions.ts";
import { type KubernetesWorld, kubernetesWorld } from "../harness/kubernetes-world.ts";
import { median, type Report } from "./frame.ts";
import { NginxProxy } from "./http/nginx-proxy.ts";
import { NodeProxy } from "./http/node-proxy.ts";
import { Load } from "./http/processes.ts";
import type { Way } from "./http/way.ts";
import { execOnce } from "./kubernetes/exec.ts";
import { podList } from "./kubernetes/pod-list.ts";
import { fiftyKubernetesRules } from "./kubernetes/rules.ts";
import { cpuSeconds, watchMemory } from "./process.ts";

/** A size; smaller ones, by environment, are for trying something out quickly. */
const size = (name: string, usual: number) => Number(process.env[`BENCH_${name}`] ?? usual);

const rounds = size("ROUNDS", 3);
const lists = size("LISTS", 20);
const podsListed = size("PODS", 5000);
const commands = size("CALLS", 50);

/** Where one way is asked, and what every request needs. */
interface ClusterWay extends Way {
  /** The cluster's address, to which paths are added. */
  readonly origin: string;
  readonly token: string;
}

interface Ways {
  readonly direct: ClusterWay;
  readonly nginx: ClusterWay;
  readonly node: ClusterWay;
  readonly guarded: ClusterWay;
}

/** Clients of an API server through Countersign, beside the API server itself, nginx and a bare proxy in Node; 50 rules, audit on, TLS on every way. */
export async function kubernetes(report: Report): Promise<void> {
  await using world = await kubernetesWorld({ policy: fiftyKubernetesRules() });
  const { api, instance } = world;
  const pods = podList(podsListed);
  api.intercept = ({ url }, response) => {
    if (url !== "/api/v1/pods") return false;
    response.writeHead(200, { "content-type": "application/json", "content-length": pods.length }).end(pods);
    return true;
  };
  api.takeUpgrade = new PodSessions().take;
  using nginx = await NginxProxy.start(api.port, api.authority.server);
  using node = await NodeProxy.start({ origin: api.url, ...api.authority.server });
  using load = new Load();
  const agent = (await instance.cli("token", "--subject", "bench")).stdout.trim();
  const ways: Ways = {
    direct: wayTo("direct", api.url, adminToken),
    nginx: wayTo("nginx", `https://localhost:${nginx.port}`, adminToken),
    node: wayTo("a bare proxy in Node", `https://localhost:${node.port}`, adminToken),
    guarded: wayTo("Countersign", world.server, agent),
  };
  await listed(report, ways, load, world);
  await executed(report, ways, world);
}

function wayTo(name: string, origin: string, token: string): ClusterWay {
  return { name, origin, token, port: Number(new URL(origin).port), headers: [`Authorization: Bearer ${token}`] };
}

/** A large list, as shares of direct; and the processor time that it takes the sidecar, which says the same on a busy machine. */
async function listed(report: Report, ways: Ways, load: Load, { instance: { pid }, api }: KubernetesWorld): Promise<void> {
  const seen: Record<"nginx" | "node" | "guarded" | "cpu", number[]> = { nginx: [], node: [], guarded: [], cpu: [] };
  const rate = async ({ port, headers, origin }: ClusterWay): Promise<number> => {
    const path = `${new URL(origin).pathname.replace(/\/$/, "")}/api/v1/pods`;
    const job = { method: "GET", path, headers, port, bodyBytes: 0, connections: 1, count: lists, isTls: true };
    const { count, ms } = await load.run(job);
    api.asked.length = 0;
    return count / ms;
  };
  await rate(ways.guarded);
  using memory = watchMemory(pid);
  const beforeMb = memory.peakMb;
  for (let round = 0; round <= rounds; round++) {
    report.progress(`lists of ${podsListed} pods, round ${round + 1} of ${rounds + 1}`);
    const direct = await rate(ways.direct);
    const nginx = await rate(ways.nginx);
    const node = await rate(ways.node);
    const before = cpuSeconds(pid);
    const guarded = await rate(ways.guarded);
    if (round === 0) continue;
    seen.nginx.push(nginx / direct);
    seen.node.push(node / direct);
    seen.guarded.push(guarded / direct);
    seen.cpu.push(((cpuSeconds(pid) - before) / lists) * 1000);
  }
  const name = `list of ${podsListed} pods`;
  report.add(`${name}: nginx`, median(seen.nginx), "of direct");
  report.add(`${name}: a bare proxy in Node`, median(seen.node), "of direct");
  report.add(`${name}: Countersign`, median(seen.guarded), "of direct", { atLeast: 0.6 });
  report.add(`${name}: processor time of the sidecar`, median(seen.cpu), "ms each");
  report.add(`${name}: memory added, peak`, memory.peakMb - beforeMb, "MB", { atMost: 64 });
}

/** What is added to a short command in a pod. */
async function executed(report: Report, { direct, guarded }: Ways, { api, instance }: KubernetesWorld): Promise<void> {
  const seen: Record<"direct" | "added" | "cpu", number[]> = { direct: [], added: [], cpu: [] };
  const times = async ({ origin, token }: ClusterWay): Promise<number> => {
    const took: number[] = [];
    for (let n = 0; n < commands; n++) took.push(await execOnce(origin, { authorization: `Bearer ${token}` }));
    api.asked.length = 0;
    return median(took);
  };
  for (let round = 0; round <= rounds; round++) {
    report.progress(`exec, round ${round + 1} of ${rounds + 1}`);
    const own = await times(direct);
    const before = cpuSeconds(instance.pid);
    const through = await times(guarded);
    if (round === 0) continue;
    seen.direct.push(own);
    seen.added.push(through - own);
    seen.cpu.push(((cpuSeconds(instance.pid) - before) / commands) * 1000);
  }
  report.add("exec, a WebSocket for each: p50 direct", median(seen.direct), "ms");
  report.add("exec, a WebSocket for each: p50 added", median(seen.added), "ms", { atMost: 5 });
  report.add("exec, a WebSocket for each: processor time of the sidecar", median(seen.cpu), "ms each");
}
