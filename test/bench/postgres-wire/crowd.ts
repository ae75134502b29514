import { setTimeout as sleep } from "node:timers/promises";
import { message } from "../../conformance/postgres-wire/messages.ts";
import { RawClient } from "../../conformance/postgres-wire/raw-client.ts";
import type { Instance } from "../../harness/instance.ts";
import { median, type Report } from "../frame.ts";
import { cpuSeconds, residentMb } from "../process.ts";
import { selects, type Way } from "./pgbench.ts";

const [idle, held] = [5000, 2000];

/** Thousands of clients that do nothing or wait for a person, and what they cost those who work. */
export async function crowd(report: Report, way: Way, { pid }: Instance): Promise<void> {
  const alone = await rate(way);
  const beforeKb = residentMb(pid) * 1024;
  using clients = new DisposableStack();
  report.progress(`${idle} idle connections`);
  await opened(idle, async () => {
    clients.use(await RawClient.open(way));
  });
  const idleKb = residentMb(pid) * 1024;
  report.progress(`${held} held statements`);
  await opened(held, async (n) => {
    const client = clients.use(await RawClient.open(way));
    client.write(message.query(`delete from filler where n = ${n}`));
    await client.until(({ type }) => type === "N");
  });
  await sleep(2000);
  const heldKb = residentMb(pid) * 1024;
  report.add(`${idle} idle connections: memory`, (idleKb - beforeKb) / idle, "KB each", { atMost: 60 });
  report.add(`${held} held connections: memory`, (heldKb - idleKb) / held, "KB each", { atMost: 60 });
  const busyBefore = cpuSeconds(pid);
  await sleep(10_000);
  report.add("idle and held: processor", (cpuSeconds(pid) - busyBefore) * 10, "% of a core");
  report.add("idle and held: allowed traffic beside them", (await rate(way)) / alone, "of alone", { atLeast: 0.9 });
}

async function rate(way: Way): Promise<number> {
  const rates: number[] = [];
  for (let round = 0; round < 4; round++) rates.push(await selects(way, "simple", 16, 3));
  return median(rates.slice(1));
}

/** Fifty at a time, as a busy machine would see them come. */
async function opened(count: number, open: (n: number) => Promise<void>): Promise<void> {
  for (let n = 0; n < count; n += 50) await Promise.all(Array.from({ length: 50 }, (_, k) => open(n + k)));
}
