import { factTables, protocolOf, type VariableDefinition, variables } from "./environment.ts";

/** The table of everything that conditions may use, as Markdown, from the definitions themselves. */
export function factTable(): string {
  const facts = Object.entries(factTables).flatMap(([variable, table]) =>
    Object.entries(table).map(([name, { type, description }]) => row(`${variable}.${name}`, type, description)),
  );
  const others = Object.entries<VariableDefinition>(variables).map(([name, { type, fields, description }]) =>
    row(
      name,
      type ??
        Object.entries(fields ?? {})
          .map(([field, of]) => `.${field}: ${of}`)
          .join("<br>"),
      description,
    ),
  );
  const protocols = Object.entries(protocolOf).map(([variable, protocol]) => `\`${variable}.*\` = ${protocol}`);
  return [
    "| name | type | what it says |",
    "| --- | --- | --- |",
    ...facts,
    ...others,
    "",
    `Facts of one protocol: ${protocols.join(", ")}.`,
  ].join("\n");
}

function row(name: string, type: string, description: string): string {
  return `| \`${name}\` | ${type
    .split("<br>")
    .map((part) => `\`${part}\``)
    .join("<br>")} | ${description.replaceAll("|", "\\|")} |`;
}
