import type { FactDefinition, FactTable } from "../facts/fact.ts";
import { factTables, protocolOf, variables } from "./environment.ts";

/** Everything that conditions may use, as Markdown, from the definitions themselves. */
export function factDocument(): string {
  const protocols = Object.entries(factTables).map(
    ([variable, table]) => `## \`${variable}\`: ${protocolOf[variable]}\n\n${factTable(variable, table)}`,
  );
  const rows = Object.entries(variables).map(([name, { type, fields, description }]) =>
    row(name, type === undefined ? Object.entries(fields ?? {}).map(([field, of]) => `.${field}: ${of}`) : [type], description),
  );
  return [
    "# What conditions can look at",
    "Made by `node --conditions=source scripts/readme.ts` from the definitions in `src/facts/*/definition.ts`. Lists are sorted and without\nduplicates unless it says otherwise.",
    "A condition that looks at the facts of one protocol applies to that protocol's operations only, and cannot look at another's.",
    ...protocols,
    `## Of every operation\n\n${table(rows)}`,
    "`dyn` is JSON of any shape. Its numbers are CEL doubles: they compare with whole numbers by value (`http.body.amount > 100`,\n`http.body.amount == 7`, `http.body.amount in [1, 2]`), but are calculated with only as what they are (`http.body.amount * 2.0`, or\n`int(http.body.amount) + 1`). A name that is not there makes the rule deny: ask with `has(http.body.amount)` first.",
    "",
  ].join("\n\n");
}

function factTable(variable: string, facts: FactTable): string {
  return table(Object.entries(facts).flatMap(([name, fact]) => rowsOf(`${variable}.${name}`, fact)));
}

function rowsOf(name: string, fact: FactDefinition): readonly string[] {
  if (fact.type !== "group") return [row(name, [fact.type], fact.description)];
  const fields = Object.entries(fact.fields).flatMap(([field, one]) => rowsOf(`${name}.${field}`, one));
  return [row(name, ["group"], fact.description), ...fields];
}

function table(rows: readonly string[]): string {
  return ["| name | type | what it says |", "| --- | --- | --- |", ...rows].join("\n");
}

function row(name: string, types: readonly string[], description: string): string {
  return `| \`${name}\` | ${types.map((type) => `\`${type}\``).join("<br>")} | ${description.replaceAll("|", "\\|")} |`;
}
