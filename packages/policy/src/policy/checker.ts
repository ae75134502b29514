import { type ASTNode, TypeError as CelTypeError, Environment, ParseError, type TypeCheckResult } from "@marcbachmann/cel-js";
import type { FactTable } from "../facts/fact.ts";
import { didYouMean } from "../suggest.ts";
import { ConditionError } from "./compile/context.ts";
import { type Constant, constantType } from "./constant.ts";
import { factTables, type VariableDefinition, variableNames, variables } from "./environment.ts";

/** A condition that is well-formed; whether its types fit is another question. */
export interface Parsed {
  readonly ast: ASTNode;
  /**
   * Checks that it gives true or false.
   *
   * @throws {ConditionError} when it does not, or types in it do not fit.
   */
  check(): void;
}

/** Parses conditions and checks their types. Files with constants of the same names and types share one environment. */
export class Checker {
  readonly #environments = new Map<string, Environment>();

  /**
   * @throws {ConditionError} when the text is not an expression.
   */
  parse(text: string, constants: ReadonlyMap<string, Constant>): Parsed {
    try {
      const program = this.#environment(constants).parse(text);
      return { ast: program.ast, check: () => expectBool(program.check()) };
    } catch (error) {
      throw explain(error);
    }
  }

  #environment(constants: ReadonlyMap<string, Constant>): Environment {
    const types = [...constants].map(([name, constant]) => [name, constantType(constant) ?? "dyn"] as const);
    const key = JSON.stringify(types);
    let environment = this.#environments.get(key);
    if (!environment) {
      environment = createEnvironment(Object.fromEntries(types));
      this.#environments.set(key, environment);
    }
    return environment;
  }
}

function expectBool({ valid, type, error }: TypeCheckResult): void {
  if (!valid) throw error ? explain(error) : new ConditionError("the condition is not valid", 0);
  if (type === "bool") return;
  const found = type === "dyn" ? "a value of unknown type" : type;
  throw new ConditionError(`the condition gives ${found}, expected bool (true or false)`, 0);
}

/** A CEL environment with the facts, the variables and these constants, and no other names. */
function createEnvironment(constants: Readonly<Record<string, string>>): Environment {
  const environment = new Environment({
    limits: { maxAstNodes: 2000, maxDepth: 60, maxListElements: 1000, maxMapEntries: 100, maxCallArguments: 8 },
  });
  for (const [name, table] of Object.entries(factTables)) {
    environment.registerVariable({ name, schema: schemaOf(table) });
  }
  for (const [name, definition] of Object.entries<VariableDefinition>(variables)) {
    if (definition.fields) environment.registerVariable({ name, schema: { ...definition.fields } });
    else environment.registerVariable(name, definition.type ?? "dyn");
  }
  if (Object.keys(constants).length > 0) environment.registerVariable({ name: "variables", schema: { ...constants } });
  environment.registerVariable("conditions", "map<string, bool>");
  return environment;
}

/** Fields and their CEL types, groups inside each other. */
function schemaOf(table: FactTable): Schema {
  const types = Object.entries(table).map(([field, fact]): [string, string | Schema] => [
    field,
    fact.type === "group" ? schemaOf(fact.fields) : fact.type,
  ]);
  return Object.fromEntries(types);
}

interface Schema {
  readonly [field: string]: string | Schema;
}

/** Says what the library says without its drawing of the place. */
function explain(error: unknown): ConditionError {
  if (error instanceof ConditionError) return error;
  if (!(error instanceof ParseError || error instanceof CelTypeError))
    return new ConditionError(error instanceof Error ? (error.message.split("\n", 1)[0] ?? "") : String(error), 0);
  const offset = error.range?.start ?? 0;
  const variable = error.code === "unknown_variable" ? /: (\S+)$/.exec(error.summary)?.[1] : undefined;
  if (variable === undefined) return new ConditionError(error.summary, offset);
  const known = [...variableNames, "variables", "conditions"];
  const hint = didYouMean(variable, known) || `; known are ${variableNames.join(", ")}`;
  return new ConditionError(`unknown name ${variable}${hint}`, offset);
}
