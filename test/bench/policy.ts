import { performance } from "node:perf_hooks";
import v8 from "node:v8";
import vm from "node:vm";
import { classify, type Facts, loadParser, loadPolicy, type Operation, type Policy, type Question } from "@countersign/policy";
import { percentile, type Report } from "./frame.ts";
import { operations, ordinaryRules, shortStatement, statementOf2Kb } from "./policy-inputs.ts";

v8.setFlagsFromString("--expose-gc");
const collectGarbage: unknown = vm.runInNewContext("gc");

const options = { searchPath: ["public"] };

const asking = {
  resource: { name: "orders-db", type: "postgres", labels: { env: "prod" }, roles: ["reader", "writer"] },
  principal: { issuer: "https://idp.example", subject: "agent-1", groups: ["agents"], claims: { team: "billing" } },
  reason: "duplicate order",
  nowMs: Date.UTC(2026, 0, 5, 12),
} satisfies Omit<Question, "facts">;

/** Deciding in process: how long it takes, how much it keeps, and how long the worst input can hold the event loop. */
export async function policy(report: Report): Promise<void> {
  await loadParser();
  const loaded = loadPolicy({ "policy.yaml": ordinaryRules(200) });
  await decisions(report, loaded);
  loading(report);
  await memory(report, loaded);
}

async function decisions(report: Report, loaded: Policy): Promise<void> {
  report.progress("decisions with 200 rules");
  const seen = statement(shortStatement(1));
  const rows: readonly [string, (index: number) => Operation, number | undefined][] = [
    ["seen statement", () => seen, 5],
    ["unseen short statement", (index) => statement(shortStatement(index)), 60],
    ["unseen 2 KB statement", (index) => statement(statementOf2Kb(index)), 400],
    ["unseen command line", operations.ssh, 60],
    ["unseen Kubernetes request", operations.kubernetes, 60],
    ["unseen HTTP request", operations.http, 60],
    ["unseen MCP call", operations.mcp, 60],
  ];
  for (const [name, operation, atMost] of rows) {
    const times = await timesOf((index) => decide(loaded, operation(index)));
    report.add(`${name}: p50`, percentile(times, 0.5), "µs", atMost === undefined ? undefined : { atMost });
    report.add(`${name}: p99`, percentile(times, 0.99), "µs");
  }
}

function decide(loaded: Policy, operation: Operation): Facts {
  const facts = classify(operation, options);
  loaded.decide({ ...asking, facts });
  return facts;
}

/** Times of single calls in microseconds, after a warm-up. */
async function timesOf(call: (index: number) => unknown, count = 20_000): Promise<readonly number[]> {
  for (let index = 0; index < 5000; index++) call(1_000_000 + index);
  // What the warm-up left to compile and to collect is done before the clock starts.
  await new Promise((resolve) => setTimeout(resolve, 300));
  const times: number[] = [];
  for (let index = 0; index < count; index++) {
    const started = performance.now();
    call(index);
    times.push((performance.now() - started) * 1000);
  }
  return times;
}

function loading(report: Report): void {
  report.progress("loading 1,000 rules");
  const text = ordinaryRules(1000);
  const times = Array.from({ length: 5 }, (_, round) => {
    const started = performance.now();
    loadPolicy({ "policy.yaml": `${text}# ${round}\n` });
    return performance.now() - started;
  });
  report.add("loading 1,000 rules: first", times[0] ?? Number.NaN, "ms", { atMost: 300 });
  report.add("loading 1,000 rules: p50", percentile(times, 0.5), "ms");
}

/** The same work a tenth of the way and at the end: what is kept must not grow with what was seen. */
async function memory(report: Report, loaded: Policy): Promise<void> {
  const total = 1_000_000;
  let early = 0;
  for (let index = 1; index <= total; index++) {
    decide(loaded, statement(shortStatement(2_000_000 + index)));
    if (index % 10_000 === 0) await new Promise(setImmediate);
    if (index === total / 10) early = residentMb();
    if (index % (total / 10) === 0) report.progress(`${index} distinct statements`);
  }
  const late = residentMb();
  report.add("memory after 100,000 distinct statements", early, "MB");
  report.add("memory after 1,000,000 distinct statements", late, "MB");
  report.add("memory, 1,000,000 against 100,000", late / early, "×", { atMost: 1.15 });
}

/** What is in use, not what V8 has not yet collected. */
function residentMb(): number {
  if (typeof collectGarbage === "function") collectGarbage();
  return process.memoryUsage.rss() / 1024 / 1024;
}

function statement(text: string): Operation {
  return { kind: "postgres.query", statement: text, parameters: [] };
}
