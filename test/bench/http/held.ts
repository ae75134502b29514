import { Agent, request } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import type { Report } from "../frame.ts";
import { residentMb } from "../process.ts";
import type { Way } from "./way.ts";

/** What requests cost that wait for a person. */
export async function heldRequests(report: Report, way: Way, pid: number, count: number): Promise<void> {
  report.progress(`${count} held requests`);
  const agent = new Agent({ keepAlive: true, maxSockets: Number.POSITIVE_INFINITY });
  const asked = Array.from({ length: count }, (_, n) => n);
  const beforeKb = await settledKb(pid);
  const open = asked.map((n) => () => {
    const body = JSON.stringify({ amount: n });
    const headers = { ...Object.fromEntries(way.headers.map((line) => line.split(": "))), "content-type": "application/json" };
    const one = request({ ...{ agent, port: way.port, host: "127.0.0.1", path: "/refunds", method: "POST" }, headers });
    one.on("error", () => {});
    one.on("response", ({ statusCode }) => report.progress(`a held request was answered ${statusCode}`));
    one.end(body);
  });
  for (let n = 0; n < count; n += 50) {
    for (const one of open.slice(n, n + 50)) one();
    await sleep(50);
  }
  await sleep(count);
  const heldKb = await settledKb(pid);
  agent.destroy();
  report.add(`${count} held requests: memory`, (heldKb - beforeKb) / count, "KB each", { atMost: 40 });
}

async function settledKb(pid: number): Promise<number> {
  await sleep(2000);
  return residentMb(pid) * 1024;
}
