import type { Operation, PostgresParameter } from "@countersign/rpc";
import { visible, visibleBlock } from "./terminal/escape.ts";
import { countText } from "./terminal/quantity.ts";

/** An operation that this program cannot show whole, and that nobody may therefore approve with it (THREATS.md ap-display). */
class UnshowableError extends Error {
  override readonly name = "UnshowableError";
}

/**
 * The operation, whole: nothing is cut, and nothing in it acts on the terminal.
 *
 * @throws {UnshowableError} for a kind that a newer server knows.
 */
export function operationText(operation: Operation | undefined): {
  readonly statement: string;
  readonly parameters: readonly string[];
} {
  if (operation?.operation?.$case !== "postgresQuery") {
    throw new UnshowableError(
      "This version of countersign cannot show this request's operation. Use the console, or a newer countersign.",
    );
  }
  const { statement, parameters } = operation.operation.value;
  return { statement: visibleBlock(statement), parameters: parameters.map(parameterText) };
}

/** A bind value in the words of this program. */
export function parameterText({ value }: PostgresParameter): string {
  switch (value?.$case) {
    case "text":
      return visible(JSON.stringify(value.value));
    case "binary":
      return `\\x${Buffer.from(value.value).toString("hex")} (${countText(value.value.length, "byte")}, binary)`;
    default:
      return "NULL";
  }
}
