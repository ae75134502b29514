import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { FileAuthority } from "../../packages/sidecar/src/protocols/ssh/authority.ts";
import { mintCertificate } from "../../packages/sidecar/src/protocols/ssh/dispatch-certificate.ts";
import { type SshWorld, sshWorld } from "../harness/ssh-world.ts";
import { median, percentile, type Report } from "./frame.ts";
import { cpuSeconds, residentMb, watchMemory } from "./process.ts";
import { toSshd } from "./ssh/client.ts";
import { OpenSsh } from "./ssh/openssh.ts";
import { benchRules } from "./ssh/rules.ts";
import { held, revoked } from "./ssh/waiting.ts";

/** A size; smaller ones, by environment, are for trying something out quickly. */
const size = (name: string, usual: number) => Number(process.env[`BENCH_${name}`] ?? usual);

const rounds = size("ROUNDS", 5);
const calls = size("CALLS", 100);
const megabytes = size("MB", 200);
const heldCommands = size("HELD", 500);
const cuts = size("CUTS", 100);
const limits = "limits: { pendingPerPrincipal: 3000, connections: 3000, connectionsPerPrincipal: 3000 }\n";

/** SSH through Countersign, beside ssh2 and OpenSSH's client straight to the same sshd. */
export async function ssh(report: Report): Promise<void> {
  await using world = await sshWorld({ policy: benchRules, config: limits, listens: true });
  await using openssh = await OpenSsh.open(world);
  await commands(report, world, openssh);
  await output(report, world, openssh);
  await minting(report, world);
  await revoked(report, world, cuts);
  await held(report, world, heldCommands);
}

/** What is added to a short command; the first round warms up. */
async function commands(report: Report, world: SshWorld, openssh: OpenSsh): Promise<void> {
  using direct = await toSshd(world);
  await using cs = world.instance.client();
  const web = cs.ssh("web-1");
  const seen: Record<"direct" | "key" | "certificate" | "openssh" | "jumped" | "guarded", number[]> = {
    ...{ direct: [], key: [], certificate: [], openssh: [], jumped: [], guarded: [] },
  };
  for (let round = 0; round <= rounds; round++) {
    report.progress(`short commands, round ${round + 1} of ${rounds + 1}`);
    const own = median(await times(calls, () => direct.run("true")));
    const key = median(await times(calls, () => web.exec(["true"])));
    const certificate = median(await times(Math.ceil(calls / 4), () => web.exec(["id", "-u"])));
    const [openssh1, jumped, guarded] = [
      median(await spawned(() => openssh.run("direct", "true"))),
      median(await spawned(() => openssh.run("jumped", "true"))),
      median(await spawned(() => openssh.run("guarded", "true"))),
    ];
    if (round === 0) continue;
    seen.direct.push(own);
    seen.key.push(key - own);
    seen.certificate.push(certificate - own);
    seen.openssh.push(openssh1);
    seen.jumped.push(jumped - openssh1);
    seen.guarded.push(guarded - openssh1);
  }
  report.add("exec, reused connection: p50 direct, ssh2", median(seen.direct), "ms");
  report.add("exec, reused connection: p50 added by the SDK", median(seen.key), "ms", { atMost: 3 });
  report.add("exec, a certificate for each: p50 added by the SDK", median(seen.certificate), "ms");
  report.add("ssh, ControlMaster: p50 direct", median(seen.openssh), "ms");
  report.add("ssh, ControlMaster: p50 added by ProxyJump", median(seen.jumped), "ms");
  report.add("ssh, ControlMaster: p50 added by the listener", median(seen.guarded), "ms", { atMost: 3 });
}

function spawned(run: () => Promise<number>): Promise<number[]> {
  return times(Math.ceil(calls / 4), run);
}

async function times(count: number, call: () => Promise<unknown>): Promise<number[]> {
  const took: number[] = [];
  for (let n = 0; n < count; n++) {
    const began = performance.now();
    await call();
    took.push(performance.now() - began);
  }
  return took;
}

/** A long output, as shares of direct; and the processor time that it takes the sidecar, which says the same on a busy machine. */
async function output(report: Report, world: SshWorld, openssh: OpenSsh): Promise<void> {
  const bytes = megabytes * 1024 * 1024;
  const command = `head -c ${bytes} /dev/zero`;
  using direct = await toSshd(world);
  await using cs = world.instance.client();
  const { pid } = world.instance;
  const streamed = async (): Promise<number> => {
    let count = 0;
    for await (const { data } of cs.ssh("web-1").stream(command)) count += data.length;
    return count;
  };
  const whole = async (run: () => Promise<number>): Promise<number> => {
    const began = performance.now();
    const came = await run();
    if (came !== bytes) throw new Error(`${came} of ${bytes} bytes arrived`);
    return performance.now() - began;
  };
  const seen: Record<"sdk" | "sdkCpu" | "jumped" | "guarded" | "guardedCpu", number[]> = {
    ...{ sdk: [], sdkCpu: [], jumped: [], guarded: [], guardedCpu: [] },
  };
  await streamed();
  const beforeMb = residentMb(pid);
  using memory = watchMemory(pid);
  for (let round = 0; round < rounds; round++) {
    report.progress(`${megabytes} MB of output, round ${round + 1} of ${rounds}`);
    const own = await whole(() => direct.run(command));
    const cpu0 = cpuSeconds(pid);
    const sdk = await whole(streamed);
    const cpu1 = cpuSeconds(pid);
    const straight = await openssh.run("direct", command);
    const jumped = await openssh.run("jumped", command);
    const cpu2 = cpuSeconds(pid);
    const guarded = await openssh.run("guarded", command);
    seen.sdk.push(own / sdk);
    seen.sdkCpu.push(cpu1 - cpu0);
    seen.jumped.push(straight / jumped);
    seen.guarded.push(straight / guarded);
    seen.guardedCpu.push(cpuSeconds(pid) - cpu2);
  }
  const name = `${megabytes} MB of output`;
  report.add(`${name}, SDK: share of ssh2 direct`, median(seen.sdk), "of direct", { atLeast: 0.45 });
  report.add(`${name}, SDK: processor time of the sidecar`, median(seen.sdkCpu), "s");
  report.add(`${name}, ssh: ProxyJump's share of direct`, median(seen.jumped), "of direct");
  report.add(`${name}, ssh: the listener's share of direct`, median(seen.guarded), "of direct", { atLeast: 0.45 });
  report.add(`${name}, ssh: processor time of the sidecar`, median(seen.guardedCpu), "s");
  report.add(`${name}: memory added, peak`, memory.peakMb - beforeMb, "MB", { atMost: 64 });
}

async function minting(report: Report, { sshd }: SshWorld): Promise<void> {
  const authority = new FileAuthority(join(sshd.folder, "bench-authority.json"), Date.now);
  const holder = { keyId: "bench", principals: ["deploy"], random: randomBytes };
  const scope = { forceCommand: "systemctl restart api", terminal: false, forwarding: false };
  const mint = async () => mintCertificate(await authority.active(), scope, { ...holder, nowMs: Date.now() });
  await times(calls, mint);
  report.add("certificate minted: p50", percentile(await times(calls * 10, mint), 0.5), "ms", { atMost: 1 });
}
