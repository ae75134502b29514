import type { AgentOptions } from "../agent.ts";
import { type ExitCode, exitCodes } from "../exit.ts";
import { visible } from "../terminal/escape.ts";
import { columnWidths, type TableColumn, tableLine } from "../terminal/table.ts";
import { line, paint, type Terminal, width } from "../terminal/terminal.ts";
import { action, describe, type MakeCommand, withAgent } from "./command.ts";

interface ResourcesOptions extends AgentOptions {
  readonly json?: true;
}

/** `countersign resources` */
export const resourcesCommand: MakeCommand = (context) =>
  withAgent(
    describe(
      "resources",
      "list the resources that agents can use",
      "Lists the resources that the sidecar is configured for, without addresses and secrets.",
      [["countersign resources"], ["countersign resources --json | jq -r '.[].name'"]],
    ).option("--json", "a JSON array"),
  ).action(action(context, (options: ResourcesOptions) => resources(context.terminal, options)));

const columns: readonly TableColumn[] = [
  { title: "RESOURCE" },
  { title: "TYPE" },
  { title: "ROLES", shrinks: true },
  { title: "LABELS", shrinks: true },
];

async function resources(terminal: Terminal, options: ResourcesOptions): Promise<ExitCode> {
  const { connectAgent } = await import("../agent.ts");
  await using client = await connectAgent(terminal, options);
  const found = await client.resources();
  if (options.json) {
    line(terminal.stdout, JSON.stringify(found, null, 2));
    return exitCodes.ok;
  }
  if (found.length === 0)
    line(
      terminal.stderr,
      "No resources are configured: name them under `resources` in countersign.yaml and restart `countersign up`.",
    );
  else {
    const labels = (of: Readonly<Record<string, string>>): string =>
      Object.entries(of)
        .map(([key, value]) => `${key}=${value}`)
        .join(" ");
    const rows = found.map((one) => [one.name, one.type, one.roles.join(" "), labels(one.labels)].map(visible));
    const widths = columnWidths(columns, rows, width(terminal.stdout));
    line(
      terminal.stdout,
      paint(
        terminal.stdout,
        "bold",
        tableLine(
          columns,
          widths,
          columns.map(({ title }) => title),
        ),
      ),
    );
    for (const row of rows) line(terminal.stdout, tableLine(columns, widths, row));
  }
  return exitCodes.ok;
}
