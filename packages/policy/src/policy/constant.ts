/** A constant that a policy file names. */
export type Constant = string | number | boolean | readonly (string | number | boolean)[];

/** The CEL type of a constant; undefined when it has none: a list of different kinds, or a number that JSON does not keep exactly. */
export function constantType(constant: Constant): string | undefined {
  if (typeof constant === "string") return "string";
  if (typeof constant === "boolean") return "bool";
  if (typeof constant === "number") return numberType(constant);
  const types = new Set(constant.map(constantType));
  // Whole numbers among others are such numbers too.
  if (types.size === 2 && types.has("int") && types.has("double")) return "list<double>";
  const [type = "string"] = types;
  return types.size > 1 || types.has(undefined) ? undefined : `list<${type}>`;
}

function numberType(value: number): string | undefined {
  if (Number.isSafeInteger(value)) return "int";
  return Number.isFinite(value) && !Number.isInteger(value) ? "double" : undefined;
}

/** What conditions see of a constant: whole numbers are CEL ints. */
export function constantValue(constant: Constant): unknown {
  return typed(constant, constantType(constant) === "list<double>");
}

function typed(constant: Constant, doubles: boolean): unknown {
  if (typeof constant === "number") return Number.isInteger(constant) && !doubles ? BigInt(constant) : constant;
  return typeof constant === "object" ? constant.map((item) => typed(item, doubles)) : constant;
}
