import { parseArgs } from "node:util";
import { agentSql } from "./agent-sql.ts";
import { approvals } from "./approvals.ts";
import { Report, table, writeJson } from "./frame.ts";
import { http } from "./http.ts";
import { kubernetes } from "./kubernetes.ts";
import { policy } from "./policy.ts";
import { postgresWire } from "./postgres-wire.ts";
import { redecide } from "./redecide.ts";
import { ssh } from "./ssh.ts";

const benches: Record<string, (report: Report) => Promise<void>> = {
  "agent-sql": agentSql,
  approvals,
  http,
  kubernetes,
  policy,
  "postgres-wire": postgresWire,
  redecide,
  ssh,
};

const { values, positionals } = parseArgs({ allowPositionals: true, options: { json: { type: "string" } } });
const names = positionals.length > 0 ? positionals : Object.keys(benches);
const unknown = names.filter((name) => !(name in benches));
if (unknown.length > 0) {
  process.stderr.write(`There is no bench ${unknown.join(", ")}. There are: ${Object.keys(benches).join(", ")}.\n`);
  process.exit(2);
}
const reports: Report[] = [];
try {
  for (const name of names) {
    const report = new Report(name);
    reports.push(report);
    await benches[name]?.(report);
  }
} finally {
  // What was measured is shown also when the rest could not be.
  const metrics = reports.flatMap((report) => report.metrics);
  process.stdout.write(`${table(metrics)}\n`);
  if (values.json !== undefined) writeJson(values.json, metrics);
}
