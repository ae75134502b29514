import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
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
    report.add("without a change: event loop held, longest", idle.longest.ms, "ms");
    for (const [name, count] of [
      ["all stay", 1],
      ["all replaced", 2],
    ] as const) {
      report.progress(name);
      const before = running.policy.status.digest;
      const { longest, result } = await measured(async () => {
        write(policy(count, name));
        while (running.policy.status.digest === before) await sleep(5);
        const inForceMs = performance.now();
        // What stays tells nobody: it is given the time that it surely needs.
        if (count === 1) return sleep(held / 2, undefined);
        while (replaced < held) await sleep(5);
        return performance.now() - inForceMs;
      });
      if (result !== undefined) report.add(`${name}: until all ${held} are`, result, "ms");
      report.add(`${name}: event loop held, longest`, longest.ms, "ms");
      report.add(`${name}: of these, at work`, longest.cpuMs, "ms", { atMost: 50 });
    }
  } finally {
    await cs.close();
    await running.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Also how much of the processor the longest turn of the event loop took: on a busy machine the clock alone says more about others. */
async function measured<Result>(work: () => Promise<Result>) {
  const longest = { ms: 0, cpuMs: 0 };
  const sinceMs = performance.now();
  let over = false;
  let last = { ms: sinceMs, cpu: process.threadCpuUsage() };
  const next = (): void => {
    const now = { ms: performance.now(), cpu: process.threadCpuUsage() };
    longest.ms = Math.max(longest.ms, now.ms - last.ms);
    longest.cpuMs = Math.max(longest.cpuMs, (now.cpu.user + now.cpu.system - last.cpu.user - last.cpu.system) / 1e3);
    last = now;
    if (!over) setImmediate(next);
  };
  setImmediate(next);
  const result = await work();
  over = true;
  return { result, longest, tookMs: performance.now() - sinceMs };
}
