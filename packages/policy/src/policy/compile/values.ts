import type { ProtocolFacts } from "../../facts/fact.ts";
import { protocols } from "../../facts/protocols.ts";
import { factTables } from "../environment.ts";
import type { Question } from "../question.ts";
import { type Budget, Scope } from "./scope.ts";

/** Everything that conditions may look at besides facts: the name, and where its value is in a scope. */
const circumstances: Readonly<Record<string, (question: Question) => unknown>> = {
  "principal.issuer": ({ principal }) => principal.issuer,
  "principal.subject": ({ principal }) => principal.subject,
  "principal.groups": ({ principal }) => principal.groups,
  "principal.claims": ({ principal }) => principal.claims,
  "resource.name": ({ resource }) => resource.name,
  "resource.type": ({ resource }) => resource.type,
  "resource.labels": ({ resource }) => resource.labels,
  role: ({ role = "" }) => role,
  now: ({ nowMs }) => new Date(nowMs),
  reason: ({ reason }) => reason,
};
const names = Object.keys(circumstances);
const readers = Object.values(circumstances);

/** Where in `Scope.values` a variable without fields, or a field of one, stands; -1 when there is no such name. */
export function circumstance(name: string): number {
  return names.indexOf(name);
}

/** Where in `Scope.facts` a fact stands; -1 when there is no such fact. */
export function factIndex(variable: string, name: string): number {
  return Object.keys(factTables[variable] ?? {}).indexOf(name);
}

const converted = new WeakMap<ProtocolFacts, readonly unknown[]>();

/** Facts as conditions see them, in the order of their table: whole numbers are CEL ints. */
function factValues(variable: string, facts: ProtocolFacts): readonly unknown[] {
  let values = converted.get(facts);
  if (values) return values;
  values = Object.entries(factTables[variable] ?? {}).map(([name, { type }]) => {
    const value: unknown = Reflect.get(facts, name);
    return type === "int" && typeof value === "number" ? BigInt(value) : value;
  });
  // Facts that may still change are converted anew each time.
  if (Object.isFrozen(facts)) converted.set(facts, values);
  return values;
}

/** What conditions see of a question about the facts of one statement, or of all together. */
export function scopeOf(question: Question, facts: ProtocolFacts, budget: Budget): Scope {
  const values = readers.map((read) => read(question));
  return new Scope(factValues(protocols[question.facts.protocol].variable, facts), values, budget);
}
