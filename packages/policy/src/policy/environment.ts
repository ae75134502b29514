import { Environment } from "@marcbachmann/cel-js";
import type { Principal } from "../action.ts";
import { type FactDefinition, type SqlFacts, sqlFacts } from "../facts/postgres/definition.ts";
import type { Facts } from "../facts.ts";

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
  reason: { description: "The agent's own words; untrusted, may be empty.", type: "string" },
} as const satisfies Readonly<Record<string, VariableDefinition>>;

/** The protocols and their facts: the variable's name is the prefix in conditions. */
export const factTables: Readonly<Record<string, Readonly<Record<string, FactDefinition>>>> = { sql: sqlFacts };

/** The protocol that a fact variable belongs to. */
export const protocolOf: Readonly<Record<string, Facts["protocol"]>> = { sql: "postgres" };

/** The fields that each variable has; undefined for one without. */
export function fieldsOf(variable: string): readonly string[] | undefined {
  if (Object.hasOwn(factTables, variable)) return Object.keys(factTables[variable] ?? {});
  const definition: VariableDefinition | undefined = Object.entries(variables).find(([name]) => name === variable)?.[1];
  return definition?.fields && Object.keys(definition.fields);
}

/** The names of all variables. */
export const variableNames: readonly string[] = [...Object.keys(factTables), ...Object.keys(variables)];

/** The SQL facts as CEL reads them: integers are bigints. An instance of its own class spares a conversion at every access. */
class SqlValue {
  constructor(facts: SqlFacts) {
    Object.assign(this, facts, { statements: BigInt(facts.statements) });
  }
}

const sqlValues = new WeakMap<SqlFacts, SqlValue>();

/** What conditions see of facts. */
export function factValues(sql: SqlFacts): Record<string, unknown> {
  let value = sqlValues.get(sql);
  if (!value) {
    value = new SqlValue(sql);
    // Facts that may still change are converted anew each time.
    if (Object.isFrozen(sql)) sqlValues.set(sql, value);
  }
  return { sql: value };
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
  const fields = Object.fromEntries(Object.entries(sqlFacts).map(([name, { type }]) => [name, type]));
  environment.registerType("SqlFacts", { ctor: SqlValue, fields });
  environment.registerVariable("sql", "SqlFacts");
  for (const [name, definition] of Object.entries<VariableDefinition>(variables)) {
    if (definition.fields)
      environment.registerVariable({ name, schema: { ...definition.fields }, description: definition.description });
    else environment.registerVariable(name, definition.type ?? "dyn", { description: definition.description });
  }
  return environment;
}
