import type { FactTable } from "../facts/fact.ts";
import { type ProtocolName, protocols } from "../facts/protocols.ts";

/** A variable of conditions that every operation has. */
export interface VariableDefinition {
  readonly description: string;
  /** Field → CEL type; absent for a plain value. */
  readonly fields?: Readonly<Record<string, string>>;
  readonly type?: string;
}

/** The variables that conditions may use whatever the protocol. */
export const variables: Readonly<Record<string, VariableDefinition>> = {
  principal: {
    description: "The authenticated caller. `claims` are those of its token: check with `has(principal.claims.team)` before use.",
    fields: { issuer: "string", subject: "string", groups: "list<string>", claims: "map<string, dyn>" },
  },
  resource: {
    description: 'The target. Check a label with `has(resource.labels.env)` or `"env" in resource.labels` before use.',
    fields: { name: "string", type: "string", labels: "map<string, string>" },
  },
  role: {
    description: "The role that the caller asked for, e.g. the user name of a native client; empty when none was asked for.",
    type: "string",
  },
  now: { description: "The sidecar's clock.", type: "google.protobuf.Timestamp" },
  reason: { description: "The agent's own words; untrusted, may be empty.", type: "string" },
};

const protocolNames: readonly ProtocolName[] = ["postgres", "ssh", "kubernetes", "http", "mcp"];

/** The facts of every protocol: the variable's name is the prefix in conditions. */
export const factTables: Readonly<Record<string, FactTable>> = Object.fromEntries(
  protocolNames.map((name) => [protocols[name].variable, protocols[name].table]),
);

/** The protocol that a fact variable belongs to. */
export const protocolOf: Readonly<Record<string, ProtocolName>> = Object.fromEntries(
  protocolNames.map((name) => [protocols[name].variable, name]),
);

/** The fields that each variable has; undefined for one without. */
export function fieldsOf(variable: string): readonly string[] | undefined {
  if (Object.hasOwn(factTables, variable)) return Object.keys(factTables[variable] ?? {});
  const fields = Object.hasOwn(variables, variable) ? variables[variable]?.fields : undefined;
  return fields && Object.keys(fields);
}

/** The names of all variables. */
export const variableNames: readonly string[] = [...Object.keys(factTables), ...Object.keys(variables)];
