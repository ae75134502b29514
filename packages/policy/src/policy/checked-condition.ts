import type { ASTNode } from "@marcbachmann/cel-js";
import { subjectOf } from "../facts.ts";
import { compile } from "./compile/compile.ts";
import type { Context } from "./compile/context.ts";
import { Budget, Failure, type Part, spend } from "./compile/scope.ts";
import { isShareable, keyOf } from "./compile/shareable.ts";
import type { SharedParts } from "./compile/shared-parts.ts";
import { scopeOf } from "./compile/values.ts";
import type { Condition, PartOptions } from "./condition.ts";
import { type Constant, constantValue } from "./constant.ts";
import { protocolOf } from "./environment.ts";
import type { Uses } from "./inspect.ts";
import type { Pattern } from "./pattern.ts";
import type { Question } from "./question.ts";
import { childrenOf } from "./syntax.ts";

/** What a checked condition is made of. */
export interface Ingredients {
  readonly text: string;
  readonly ast: ASTNode;
  /** What its own text looks at. */
  readonly uses: Uses;
  readonly constants: ReadonlyMap<string, Constant>;
  /** Those that it uses, by name. */
  readonly conditions: ReadonlyMap<string, CheckedCondition>;
  /** The file whose names it uses. */
  readonly file: string;
  readonly shared: SharedParts;
  pattern(source: string): Pattern;
}

/** A condition whose names and types are right. It is compiled when it is first needed. */
export class CheckedCondition implements Condition {
  readonly text: string;
  readonly ast: ASTNode;
  readonly conditions: ReadonlyMap<string, CheckedCondition>;
  readonly constants: ReadonlyMap<string, Constant>;
  readonly uses: ReadonlySet<string>;
  readonly facts: ReadonlySet<string>;
  readonly #context: Context;
  #part: Part | undefined;

  constructor({ text, ast, uses, constants, conditions, file, shared, pattern }: Ingredients) {
    this.text = text;
    this.ast = ast;
    this.conditions = conditions;
    this.constants = constants;
    const used = [...conditions.values()];
    this.uses = new Set([...uses.variables, ...used.flatMap((one) => [...one.uses])]);
    this.facts = new Set([...uses.facts, ...used.flatMap((one) => [...one.facts])]);
    this.#context = {
      text,
      elements: [],
      constant: (name) => constantValue(constants.get(name) ?? ""),
      condition: (name) => this.#named(name),
      pattern,
      shared,
      scope: file,
    };
    this.#note(ast, 1, []);
  }

  /**
   * Makes it ready to run. All conditions must have been checked before, so that it is known what they share.
   *
   * @throws {ConditionError} when it uses something of CEL that is left out, or a constant that cannot work.
   */
  compile(): Part {
    this.#part ??= compile(this.ast, this.#context);
    return this.#part;
  }

  evaluatePart(
    node: ASTNode,
    question: Question,
    { facts = subjectOf(question.facts).whole, elements = {} }: PartOptions = {},
  ): unknown {
    for (const variable of this.uses) {
      const protocol = protocolOf[variable];
      if (protocol !== undefined && protocol !== question.facts.protocol)
        throw new Error(`there are no ${variable} facts of a ${question.facts.protocol} operation`);
    }
    const { run, steps } = compile(node, { ...this.#context, elements: Object.keys(elements) });
    const scope = scopeOf(question, facts, new Budget());
    const [outer, inner] = Object.values(elements);
    spend(scope, steps);
    const value = run(scope, outer, inner);
    if (value instanceof Failure) throw new Error(value.message);
    return value;
  }

  #named(name: string): Part {
    const condition = this.conditions.get(name);
    if (condition === undefined) throw new Error(`The condition ${name} was not checked when the policy was loaded`);
    return this.#context.shared.remember(`${this.#context.scope}\nconditions.${name}`, condition.compile());
  }

  /** Counts what is worth remembering, so that it is remembered where it is used more than once; in a loop everything is. */
  #note(node: ASTNode, times: number, elements: readonly string[]): void {
    const { shared } = this.#context;
    if (isShareable(node, elements)) shared.note(keyOf(node, this.#context), times);
    if (node.op === "." && node.args[0].op === "id" && node.args[0].args === "conditions")
      shared.note(`${this.#context.scope}\nconditions.${node.args[1]}`, times);
    const loop = node.op === "rcall" && node.args[2][0]?.op === "id" && node.args[2].length > 1;
    for (const child of childrenOf(node)) {
      const inside = loop && child !== node.args[1];
      this.#note(
        child,
        inside ? 2 : times,
        inside && node.args[2][0]?.op === "id" ? [...elements, node.args[2][0].args] : elements,
      );
    }
  }
}
