import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PerformanceObserver, performance } from "node:perf_hooks";
import { setTimeout as sleep } from "node:timers/promises";
import { Countersign } from "@countersign/sdk";
import { checkConfig, startCountersign } from "countersign";
import type { Report } from "./frame.ts";

const held = Number(process.env.REDECIDE_HELD ?? 10_000);
const policy = (count: number, note: string): string => `# ${note}
version: 1
rules:
  - { id: all, resources: ["*"], effect: review, role: writer, approval: { stages: [{ approvers: [group:dba], count: ${count} }], expires: 8h } }
`;
/** Nothing answers there: what is held does not get that far. */
const config = `version: 1
approvers: [{ name: alice, groups: [dba] }, { name: bob, groups: [dba] }]
limits: { pendingPerPrincipal: 1000000 }
resources:
  - { name: orders-db, type: postgres, address: "127.0.0.1:1", database: orders, tls: disable, roles: { writer: { user: w, password: { env: W } } } }
`;

/** How long it takes to decide many held requests anew when policy changes, and how long that keeps everybody else waiting. */
export async function redecide(report: Report): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "cs-redecide-"));
  const write = (text: string): void => writeFileSync(join(folder, "policy.yaml"), text);
  write(policy(1, "first"));
  let replaced = 0;
  const running = await startCountersign(checkConfig(join(folder, "countersign.yaml"), config), {
    environment: { W: "w" },
    onStep: (step) => (replaced += step === "replaced" ? 1 : 0),
    onInternalError: (error) => process.stderr.write(`${String(error)}\n`),
  });
  const cs = new Countersign({ address: running.addresses.agent[0] });
  try {
    report.progress(`holding ${held} requests`);
    const submit = (id: number) =>
      cs.submit({
        kind: "postgres.query",
        resource: "orders-db",
        statement: `delete from orders where id = ${id} or note = '${id}'`,
      });
    for (let from = 0; from < held; from += 500)
      await Promise.all(Array.from({ length: Math.min(500, held - from) }, (_, index) => submit(from + index)));
    const idle = await measured(() => sleep(2_000));
    report.add("without a change: event loop held, longest", idle.longestMs, "ms");
    for (const [name, count] of [
      ["all stay", 1],
      ["all replaced", 2],
    ] as const) {
      report.progress(name);
      const before = running.policy.status.digest;
      const { longestMs, cpuMs, ownCpuMs, result } = await measured(async () => {
        write(policy(count, name));
        while (running.policy.status.digest === before) await sleep(5);
        const inForceMs = performance.now();
        // What stays tells nobody: it is given the time that it surely needs.
        if (count === 1) return sleep(held / 2, undefined);
        while (replaced < held) await sleep(5);
        return performance.now() - inForceMs;
      });
      if (result !== undefined) report.add(`${name}: until all ${held} are`, result, "ms");
      report.add(`${name}: event loop held, longest`, longestMs, "ms");
      report.add(`${name}: longest turn at work`, cpuMs, "ms");
      report.add(`${name}: longest turn at work, memory aside`, ownCpuMs, "ms", { atMost: 50 });
    }
  } finally {
    await cs.close();
    await running.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A turn of the event loop: when, and how much of the processor it took, milliseconds. */
interface Turn {
  readonly fromMs: number;
  readonly toMs: number;
  readonly cpuMs: number;
}

/** How long the turns of the event loop are: by the clock, which on a busy machine says more about others, and by the processor. */
async function measured<Result>(work: () => Promise<Result>) {
  const turns: Turn[] = [];
  const collections: { readonly fromMs: number; readonly toMs: number }[] = [];
  const observer = new PerformanceObserver((list) => {
    for (const { startTime, duration } of list.getEntries()) collections.push({ fromMs: startTime, toMs: startTime + duration });
  });
  observer.observe({ entryTypes: ["gc"] });
  let over = false;
  let last = { ms: performance.now(), cpu: process.threadCpuUsage() };
  const next = (): void => {
    const now = { ms: performance.now(), cpu: process.threadCpuUsage() };
    const cpuMs = (now.cpu.user + now.cpu.system - last.cpu.user - last.cpu.system) / 1e3;
    if (now.ms - last.ms > 5) turns.push({ fromMs: last.ms, toMs: now.ms, cpuMs });
    last = now;
    if (!over) setImmediate(next);
  };
  setImmediate(next);
  const result = await work();
  over = true;
  await sleep(50);
  observer.disconnect();
  const isOurs = ({ fromMs, toMs }: Turn) => !collections.some((one) => one.fromMs < toMs && one.toMs > fromMs);
  return {
    result,
    longestMs: Math.max(0, ...turns.map(({ toMs, fromMs }) => toMs - fromMs)),
    cpuMs: Math.max(0, ...turns.map(({ cpuMs }) => cpuMs)),
    ownCpuMs: Math.max(0, ...turns.filter(isOurs).map(({ cpuMs }) => cpuMs)),
  };
}
