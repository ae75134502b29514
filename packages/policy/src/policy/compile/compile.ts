import type { ASTNode } from "@marcbachmann/cel-js";
import { fieldsOf, protocolOf } from "../environment.ts";
import { PatternError } from "../pattern/program.ts";
import { element, field, hasField } from "./access.ts";
import { calculate, negate } from "./arithmetic.ts";
import { join, size } from "./collection.ts";
import { ConditionError, type Context } from "./context.ts";
import { conversion, conversionNames } from "./conversion.ts";
import { differs, equals, isIn } from "./equality.ts";
import { list, literal, map as mapLiteral } from "./literal.ts";
import { conditional, every, not, some } from "./logic.ts";
import { all, exists, existsOne, filter, type Loop, map } from "./loop.ts";
import { compare } from "./order.ts";
import type { Part } from "./scope.ts";
import { isShareable, keyOf } from "./shareable.ts";
import { matches, textMethod, textMethods } from "./text-methods.ts";
import { timeMethod, timeMethods, timeZone } from "./time-methods.ts";
import { circumstance, factIndex } from "./values.ts";

/**
 * Turns a checked condition, or a part of one, into closures that give exactly what CEL says.
 *
 * @throws {ConditionError} when it uses something of CEL that is left out here, or a constant that cannot work.
 */
export function compile(node: ASTNode, context: Context): Part {
  const part = compileNode(node, context);
  return isShareable(node, context.elements) ? context.shared.remember(keyOf(node, context), part) : part;
}

function compileNode(node: ASTNode, context: Context): Part {
  const compiled = (child: ASTNode) => compile(child, context);
  switch (node.op) {
    case "value":
      return constant(node);
    case "id":
      return name(node, context);
    case ".":
      return access(node, context);
    case "[]":
      return element(compiled(node.args[0]), compiled(node.args[1]));
    case "list":
      return list(node.args.map(compiled));
    case "map":
      return mapLiteral(node.args.map(([key, value]) => [textKey(key), compiled(value)]));
    case "&&":
      return every(operands(node, "&&").map(compiled));
    case "||":
      return some(operands(node, "||").map(compiled));
    case "!_":
      return not(compiled(node.args));
    case "-_":
      return negated(node.args, context);
    case "?:":
      return conditional(compiled(node.args[0]), compiled(node.args[1]), compiled(node.args[2]));
    case "==":
      return equals(compiled(node.args[0]), compiled(node.args[1]));
    case "!=":
      return differs(compiled(node.args[0]), compiled(node.args[1]));
    case "in":
      return isIn(compiled(node.args[0]), compiled(node.args[1]));
    case "<":
    case "<=":
    case ">":
    case ">=":
      return compare(node.op, compiled(node.args[0]), compiled(node.args[1]));
    case "+":
    case "-":
    case "*":
    case "/":
    case "%":
      return calculate(node.op, compiled(node.args[0]), compiled(node.args[1]));
    case "call":
      return call(node, context);
    case "rcall":
      return method(node, context);
    default:
      throw new ConditionError("this is not available in conditions", node.start);
  }
}

/** A node of one kind. */
type Node<Op extends ASTNode["op"]> = Extract<ASTNode, { op: Op }>;

/** The operands of a chain of the same operator, in their order. */
function operands(node: ASTNode, op: "&&" | "||"): readonly ASTNode[] {
  return node.op === op ? node.args.flatMap((side) => operands(side, op)) : [node];
}

const maxInt = 2n ** 63n - 1n;

function constant(node: Node<"value">): Part {
  const { args: value } = node;
  if (typeof value === "object" && value !== null)
    throw new ConditionError("unsigned numbers and bytes are not available in conditions", node.start);
  if (typeof value === "bigint" && value > maxInt)
    throw new ConditionError("the number is too large (int has 64 bits)", node.start);
  return literal(value);
}

/** A negative number that is written out is a constant, so that the smallest one, which has no positive counterpart, can be written. */
function negated(node: ASTNode, context: Context): Part {
  if (node.op === "value" && typeof node.args === "bigint" && node.args <= maxInt + 1n) return literal(-node.args);
  if (node.op === "value" && typeof node.args === "number") return literal(-node.args);
  return negate(compile(node, context));
}

function name(node: Node<"id">, { elements }: Context): Part {
  // The innermost of the same name hides the others.
  const depth = elements.lastIndexOf(node.args);
  if (depth === 0) return { run: (_, outer) => outer, steps: 1 };
  if (depth === 1) return { run: (_, __, inner) => inner, steps: 1 };
  const index = circumstance(node.args);
  if (index < 0) throw new ConditionError(`${node.args} is not available in conditions`, node.start);
  return { run: (scope) => scope.values[index], steps: 1 };
}

/** `sql.tables`, `principal.claims`, `variables.x`: what a variable with fields has; undefined for any other access. */
function known(node: ASTNode, context: Context): Part | undefined {
  if (node.op !== "." || node.args[0].op !== "id" || context.elements.includes(node.args[0].args)) return undefined;
  const [{ args: variable }, name] = node.args;
  if (variable === "variables") return literal(context.constant(name));
  if (variable === "conditions") return context.condition(name);
  if (fieldsOf(variable) === undefined) return undefined;
  if (Object.hasOwn(protocolOf, variable)) {
    const index = factIndex(variable, name);
    return { run: (scope) => scope.facts[index], steps: 1 };
  }
  const index = circumstance(`${variable}.${name}`);
  return { run: (scope) => scope.values[index], steps: 1 };
}

function access(node: Node<".">, context: Context): Part {
  return known(node, context) ?? field(compile(node.args[0], context), node.args[1]);
}

function textKey(node: ASTNode): string {
  if (node.op === "value" && typeof node.args === "string") return node.args;
  throw new ConditionError("the keys of a map must be texts that are written out", node.start);
}

function call(node: Node<"call">, context: Context): Part {
  const [name, [argument]] = node.args;
  if (argument !== undefined && name === "has") return has(argument, context);
  const value = argument && compile(argument, context);
  if (value !== undefined && name === "size") return size(value);
  const part = value && conversion(name, value);
  if (part !== undefined) return part;
  if (conversionNames.includes(name)) throw new ConditionError(`${name}() cannot be made of this value`, node.start);
  throw new ConditionError(
    `${name}() is not available in conditions; available are has, size, ${conversionNames.join(", ")}`,
    node.start,
  );
}

function has(node: ASTNode, context: Context): Part {
  if (node.op !== ".") throw new ConditionError("has() needs a name after a dot, e.g. has(principal.claims.team)", node.start);
  // What variables have, they always have.
  return known(node, context) ? literal(true) : hasField(compile(node.args[0], context), node.args[1]);
}

const loops: Readonly<Record<string, (loop: Loop) => Part>> = { all, exists, exists_one: existsOne, filter, map };

function method(node: Node<"rcall">, context: Context): Part {
  const [name, receiver, given] = node.args;
  const loop = Object.hasOwn(loops, name) ? loops[name] : undefined;
  if (loop !== undefined) return loop(loopOf(node, context));
  const value = compile(receiver, context);
  if (name === "size" && given.length === 0) return size(value);
  if (name === "matches") return matching(value, given, node, context);
  const zone = timeMethods.includes(name) && given[0] !== undefined ? zoneOf(given[0]) : undefined;
  const args = given.map((argument) => compile(argument, context));
  if (name === "join") return join(value, args[0] ?? literal(""));
  const part = timeMethod(name, value, zone) ?? textMethod(name, value, args);
  if (part !== undefined) return part;
  const available = [...Object.keys(loops), ...textMethods, "join", "size", ...timeMethods].join(", ");
  throw new ConditionError(`${name}() is not available in conditions; available are ${available}`, node.start);
}

function loopOf(node: Node<"rcall">, context: Context): Loop {
  const [, range, given] = node.args;
  const [variable, ...bodies] = given;
  const depth = context.elements.length;
  const elements = [...context.elements, variable?.op === "id" ? variable.args : ""];
  const [first, last] = bodies.map((body) => compile(body, { ...context, elements }));
  if (first === undefined) throw new ConditionError("the loop has no predicate", node.start);
  return {
    range: compile(range, context),
    depth,
    body: last ?? first,
    ...(last === undefined ? {} : { only: first }),
  };
}

/** Patterns are constants, so that they are read when the policy is loaded. */
function matching(text: Part, [pattern]: readonly ASTNode[], node: ASTNode, context: Context): Part {
  const source = pattern && compile(pattern, context).constant?.value;
  if (pattern === undefined || typeof source !== "string") {
    throw new ConditionError('the pattern of matches() must be written out, e.g. matches("^a+$")', pattern?.start ?? node.start);
  }
  try {
    return matches(text, context.pattern(source));
  } catch (error) {
    if (error instanceof PatternError) throw new ConditionError(error.message, pattern.start);
    throw error;
  }
}

function zoneOf(node: ASTNode): Intl.DateTimeFormat {
  const name = node.op === "value" && typeof node.args === "string" ? node.args : undefined;
  if (name === undefined) throw new ConditionError('the time zone must be written out, e.g. "Europe/Berlin"', node.start);
  const zone = timeZone(name);
  if (zone === undefined)
    throw new ConditionError(`there is no time zone "${name}"; expected one like "Europe/Berlin"`, node.start);
  return zone;
}
