import type { NamedValue, OperationPart } from "@countersign/policy";
import { type Body, operationParts, readOperationMessage } from "@countersign/policy/operation";
import type { Operation } from "@countersign/rpc";
import { visible, visibleBlock } from "./terminal/escape.ts";
import { countText } from "./terminal/quantity.ts";

/** An operation that this program cannot show whole, and that nobody may therefore approve with it (THREATS.md ap-display). */
class UnshowableError extends Error {
  override readonly name = "UnshowableError";
}

/** A part of an operation, escaped: nothing in it acts on the terminal. */
export interface ShownPart {
  readonly name: string;
  readonly lines: readonly string[];
  /** Each line has a name of its own. */
  readonly named: boolean;
  /** The part itself, as text: two parts that are shown alike may still differ. */
  readonly exact: string;
}

/**
 * The operation, whole: nothing is cut. The first part says what it is.
 *
 * @throws {UnshowableError} for a kind that a newer server knows.
 */
export function shownParts(message: Operation | undefined): readonly [ShownPart, ...ShownPart[]] {
  const operation = readOperationMessage(message);
  const [first, ...others] = operation === undefined ? [] : operationParts(operation).map(shownPart);
  if (first !== undefined) return [first, ...others];
  throw new UnshowableError(
    "This version of countersign cannot show this request's operation. Use the console, or a newer countersign.",
  );
}

function shownPart(part: OperationPart): ShownPart {
  return { name: visible(part.name), lines: linesOf(part), named: part.type === "values", exact: JSON.stringify(part) };
}

function linesOf(part: OperationPart): readonly string[] {
  switch (part.type) {
    case "block":
      return "text" in part.content ? visibleBlock(part.content.text).split("\n") : [contentText(part.content)];
    case "values":
      if (part.values.length === 0) return ["none"];
      return part.values.map(({ name, content }: NamedValue) => `${visible(name)}  ${contentText(content)}`);
    case "note":
      return [visible(part.text)];
  }
}

function contentText(content: null | Body): string {
  if (content === null) return "NULL";
  return "text" in content ? visible(JSON.stringify(content.text)) : binaryText(Buffer.from(content.binary, "base64url"));
}

function binaryText(bytes: Buffer): string {
  return `\\x${bytes.toString("hex")} (${countText(bytes.length, "byte")}, binary)`;
}
