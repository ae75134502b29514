import type { ASTNode, Environment } from "@marcbachmann/cel-js";
import { TypeError as CelTypeError, ParseError } from "@marcbachmann/cel-js";
import { RE2JS } from "re2js";
import type { ProtocolFacts } from "../facts/fact.ts";
import { protocols } from "../facts/protocols.ts";
import { subjectOf } from "../facts.ts";
import { didYouMean, nearest } from "../suggest.ts";
import { createEnvironment, factValues, fieldsOf, principalValue, variableNames } from "./environment.ts";
import { partRange } from "./part-range.ts";
import type { Question } from "./question.ts";

/** A constant that a policy file names. */
export type Constant = string | number | boolean | readonly (string | number | boolean)[];

/** Where a part of a condition is evaluated. */
export interface PartOptions {
  /** The facts of one statement alone; default: those of the whole operation. */
  readonly facts?: ProtocolFacts;
  /** The elements that loops around the part are at, by name. */
  readonly elements?: Readonly<Record<string, unknown>>;
}

/** A checked condition. */
export interface Condition {
  /** As its file says it. Positions in {@link ast} (`start`, `end`) are in it. */
  readonly text: string;
  /** What it says, as cel-js parses it: `conditions.x` and `variables.x` stand as they were written. */
  readonly ast: ASTNode;
  /** The named conditions that it uses, by name. */
  readonly conditions: ReadonlyMap<string, Condition>;
  /** The named constants that it may use, by name. */
  readonly constants: ReadonlyMap<string, Constant>;
  /** The variables that it looks at, also by its named conditions. */
  readonly uses: ReadonlySet<string>;
  /** The facts that it looks at, e.g. `sql.tables`, also by its named conditions. */
  readonly facts: ReadonlySet<string>;
  /**
   * What a part of it (a node of {@link ast}) gives. Numbers are `bigint` (CEL int) or `number` (CEL double).
   *
   * @throws {Error} when it cannot be evaluated. The message shows no value.
   */
  evaluatePart(node: ASTNode, question: Question, options?: PartOptions): unknown;
  /** @throws {Error} when it cannot be evaluated, e.g. because a label is missing. */
  evaluate(values: Readonly<Record<string, unknown>>): boolean;
}

/** A condition that cannot be used, and where in its text. */
export class ConditionError extends Error {
  override readonly name = "ConditionError";
  /** From 0, in the condition's text. */
  readonly offset: number;

  constructor(message: string, offset: number) {
    super(message);
    this.offset = offset;
  }
}

type Program = ReturnType<Environment["parse"]>;

/** What a condition looks at. */
interface Uses {
  readonly variables: Set<string>;
  readonly facts: Set<string>;
}

/** Macros that evaluate their predicate once for each element. */
const loops: ReadonlySet<string> = new Set(["all", "exists", "exists_one", "map", "filter"]);
/** Facts hold up to 500 names: three loops inside each other would hold the sidecar. */
const maxLoops = 2;
const maxPattern = 500;

/** The name under which `matches` is called after it was made safe. No condition can be written with it: it is not an identifier. */
const linearMatches = "matches linear";

/** Compiles conditions that share one environment: the facts, and the regular expressions that they use. */
export class ConditionCompiler {
  readonly #environment: Environment = createEnvironment();
  readonly #patterns = new Map<string, RE2JS>();
  readonly #parts = new WeakMap<ASTNode, Program>();

  constructor() {
    this.#environment.registerFunction({
      name: linearMatches,
      receiverType: "string",
      returnType: "bool",
      handler: (text: string, pattern: string) => this.#pattern(pattern).test(text),
      params: [{ name: "pattern", type: "string" }],
    });
  }

  /**
   * Parses and checks a condition: it must be a boolean over known facts.
   *
   * @throws {ConditionError} with what is wrong and where.
   */
  compile(text: string): Condition {
    try {
      const program = this.#environment.parse(text);
      const uses: Uses = { variables: new Set(), facts: new Set() };
      this.#inspect(program.ast, uses, 0);
      const { valid, type, error } = program.check();
      if (!valid) throw error ?? new ConditionError("the condition is not valid", 0);
      if (type !== "bool")
        throw new ConditionError(
          `the condition gives ${type === "dyn" ? "a value of unknown type" : type}, expected bool (true or false)`,
          0,
        );
      return {
        text,
        ast: program.ast,
        conditions: new Map(),
        constants: new Map(),
        uses: uses.variables,
        facts: uses.facts,
        evaluatePart: (node, question, options = {}) => {
          const part = this.#part(text, node);
          return part({ ...valuesOf(options.facts ?? subjectOf(question.facts).whole, question), ...options.elements });
        },
        evaluate: (values) => isTrue(program({ ...values })),
      };
    } catch (error) {
      throw error instanceof ConditionError ? error : explain(error);
    }
  }

  /** A part as a program of its own. The elements of loops around it are variables that only it has. */
  #part(text: string, node: ASTNode): Program {
    let part = this.#parts.get(node);
    if (!part) {
      const { start, end } = partRange(text, node);
      part = this.#environment.clone({ unlistedVariablesAreDyn: true }).parse(text.slice(start, end));
      this.#inspect(part.ast, { variables: new Set(), facts: new Set() }, 0);
      this.#parts.set(node, part);
    }
    return part;
  }

  #pattern(source: string): RE2JS {
    const pattern = this.#patterns.get(source);
    if (!pattern) throw new Error(`The pattern ${source} was not checked when the policy was loaded`);
    return pattern;
  }

  /** Looks at every node: which variables it uses, whether its fields are known, and whether it can be evaluated in bounded time. */
  #inspect(node: ASTNode, uses: Uses, depth: number): void {
    if (node.op === "id" && variableNames.includes(node.args)) {
      uses.variables.add(node.args);
      if (fieldsOf(node.args))
        throw new ConditionError(
          `"${node.args}" is followed by a dot and a name, e.g. ${node.args}.${fieldsOf(node.args)?.[0]}`,
          node.start,
        );
    }
    if ((node.op === "." || node.op === ".?") && node.args[0].op === "id") {
      const [{ args: variable, start }, field] = node.args;
      const known = variableNames.includes(variable) ? fieldsOf(variable) : undefined;
      if (known && !known.includes(field)) {
        throw new ConditionError(`unknown fact ${variable}.${field}${suggestField(variable, field, known)}`, start);
      }
      if (known) {
        uses.variables.add(variable);
        uses.facts.add(`${variable}.${field}`);
        return;
      }
    }
    let inner = depth;
    if (node.op === "rcall") {
      if (loops.has(node.args[0])) inner = this.#enterLoop(node, depth);
      if (node.args[0] === "matches") this.#makeLinear(node);
    }
    for (const child of childrenOf(node.args)) this.#inspect(child, uses, inner);
  }

  #enterLoop(node: Extract<ASTNode, { op: "rcall" }>, depth: number): number {
    const variable = node.args[2][0];
    if (variable?.op === "id" && variableNames.includes(variable.args)) {
      throw new ConditionError(`"${variable.args}" is taken; give the element another name`, variable.start);
    }
    if (depth === maxLoops)
      throw new ConditionError(`loops (${[...loops].join(", ")}) may be nested ${maxLoops} deep`, node.start);
    return depth + 1;
  }

  /**
   * The library's `matches` uses JavaScript's backtracking engine, which a statement text could keep busy for years. The call is turned
   * into one of RE2, whose time grows with the text only; patterns are constants, so that they are checked when the policy is loaded.
   */
  #makeLinear(node: Extract<ASTNode, { op: "rcall" }>): void {
    const [pattern] = node.args[2];
    if (pattern?.op !== "value" || typeof pattern.args !== "string") {
      throw new ConditionError(
        'the pattern of matches() must be written out, e.g. matches("^a+$")',
        pattern?.start ?? node.start,
      );
    }
    if (pattern.args.length > maxPattern)
      throw new ConditionError(`a pattern holds at most ${maxPattern} characters`, pattern.start);
    try {
      this.#patterns.set(pattern.args, RE2JS.compile(pattern.args));
    } catch (error) {
      throw new ConditionError(
        `not a regular expression (RE2 syntax): ${error instanceof Error ? error.message : error}`,
        pattern.start,
      );
    }
    node.args[0] = linearMatches;
  }
}

/** What conditions see of a question. */
export function valuesOf(
  facts: ProtocolFacts,
  { resource, principal, reason, role = "", nowMs, facts: { protocol } }: Question,
): Record<string, unknown> {
  const { name, type, labels } = resource;
  return {
    ...factValues(protocols[protocol].variable, facts),
    principal: principalValue(principal),
    resource: { name, type, labels },
    now: new Date(nowMs),
    reason,
    role,
  };
}

function isTrue(value: unknown): boolean {
  if (typeof value !== "boolean") throw new Error("the condition did not give true or false");
  return value;
}

function* childrenOf(value: unknown): Iterable<ASTNode> {
  if (Array.isArray(value)) for (const item of value) yield* childrenOf(item);
  else if (isNode(value)) yield value;
}

function isNode(value: unknown): value is ASTNode {
  return typeof value === "object" && value !== null && "op" in value && "args" in value && "start" in value;
}

function suggestField(variable: string, field: string, known: readonly string[]): string {
  const near = nearest(field, known);
  return near === undefined ? `; ${variable} has ${known.join(", ")}` : `; did you mean "${variable}.${near}"?`;
}

function explain(error: unknown): ConditionError {
  if (!(error instanceof ParseError || error instanceof CelTypeError)) {
    return new ConditionError(error instanceof Error ? (error.message.split("\n", 1)[0] ?? "") : String(error), 0);
  }
  const offset = error.range?.start ?? 0;
  const variable = error.code === "unknown_variable" ? /: (\S+)$/.exec(error.summary)?.[1] : undefined;
  if (variable === undefined) return new ConditionError(error.summary, offset);
  return new ConditionError(
    `unknown name ${variable}${didYouMean(variable, variableNames) || `; known are ${variableNames.join(", ")}`}`,
    offset,
  );
}
