import { Environment } from "@marcbachmann/cel-js";
import type { Principal } from "../action.ts";
import type { FactTable, ProtocolFacts } from "../facts/fact.ts";
import { type ProtocolName, protocols } from "../facts/protocols.ts";

/** A variable of conditions that every operation has. */
export interface VariableDefinition {
  readonly description: string;
  /** Field → CEL type; absent for a plain value. */
  readonly fields?: Readonly<Record<string, string>>;
  readonly type?: string;
}

/** The variables that conditions may use whatever the protocol. */
export const variables = {
  principal: {
    description: "The authenticated caller. `claims` are those of its token: check with `has(principal.claims.team)` before use.",
    fields: { issuer: "string", subject: "string", groups: "list<string>", claims: "map<string, dyn>" },
  },
  resource: {
    description: 'The target. Check a label with `has(resource.labels.env)` or `"env" in resource.labels` before use.',
    fields: { name: "string", type: "string", labels: "map<string, string>" },
  },
  now: { description: "The sidecar's clock.", type: "google.protobuf.Timestamp" },
  role: {
    description: "The role that the caller asked for, e.g. the user name of a native client; empty when none was asked for.",
    type: "string",
  },
  reason: { description: "The agent's own words; untrusted, may be empty.", type: "string" },
} as const satisfies Readonly<Record<string, VariableDefinition>>;

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
  const definition: VariableDefinition | undefined = Object.entries(variables).find(([name]) => name === variable)?.[1];
  return definition?.fields && Object.keys(definition.fields);
}

/** The names of all variables. */
export const variableNames: readonly string[] = [...Object.keys(factTables), ...Object.keys(variables)];

/** Facts as CEL reads them: integers are bigints. An instance of a class of its own spares a conversion at every access. */
class FactValue {
  constructor(table: FactTable, facts: ProtocolFacts) {
    Object.assign(this, facts);
    for (const [name, { type }] of Object.entries(table))
      if (type === "int") Reflect.set(this, name, BigInt(Reflect.get(facts, name)));
  }
}

/** One class for each protocol: CEL tells types by their class. */
const classes: Readonly<Record<string, typeof FactValue>> = Object.fromEntries(
  Object.keys(factTables).map((variable) => [variable, class extends FactValue {}]),
);

const values = new WeakMap<ProtocolFacts, FactValue>();

/** What conditions see of facts. */
export function factValues(variable: string, facts: ProtocolFacts): Record<string, unknown> {
  let value = values.get(facts);
  if (!value) {
    value = new (classes[variable] ?? FactValue)(factTables[variable] ?? {}, facts);
    // Facts that may still change are converted anew each time.
    if (Object.isFrozen(facts)) values.set(facts, value);
  }
  return { [variable]: value };
}

/** What conditions see of a caller. */
export function principalValue(principal: Principal): Record<string, unknown> {
  const { issuer, subject, groups, claims } = principal;
  return { issuer, subject, groups, claims };
}

/** A CEL environment with these facts and variables and no others, generated from their tables. */
export function createEnvironment(): Environment {
  const environment = new Environment({
    limits: { maxAstNodes: 2000, maxDepth: 60, maxListElements: 1000, maxMapEntries: 100, maxCallArguments: 8 },
  });
  for (const [variable, table] of Object.entries(factTables)) {
    const fields = Object.fromEntries(Object.entries(table).map(([name, { type }]) => [name, type]));
    environment.registerType(`${variable}Facts`, { ctor: classes[variable] ?? FactValue, fields });
    environment.registerVariable(variable, `${variable}Facts`);
  }
  for (const [name, definition] of Object.entries<VariableDefinition>(variables)) {
    if (definition.fields)
      environment.registerVariable({ name, schema: { ...definition.fields }, description: definition.description });
    else environment.registerVariable(name, definition.type ?? "dyn", { description: definition.description });
  }
  return environment;
}
