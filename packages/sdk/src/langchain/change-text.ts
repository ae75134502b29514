import type { HeldOperation, Replacement } from "../replacement.ts";

/** The longest text of an operation or a reason that is repeated to a model, characters. */
const longest = 1000;

/** What approvers changed of what was asked for, in one sentence for a model. `undefined` when they changed nothing. */
export function changeText(replaced: readonly Replacement[], ran: boolean): string | undefined {
  const edits = replaced.flatMap(({ why, edit }) => (edit === undefined ? [] : [{ why, edit }]));
  const [first, last] = [edits.at(0), edits.at(-1)];
  if (first === undefined || last === undefined) return undefined;
  const why = cut(edits.map((one) => one.why).join(" ")).replace(/[.\s]*$/, "");
  const verb = ran ? "what ran is" : "what was to run is";
  return `${why}: ${verb} ${heldText(last.edit.now)}, not ${heldText(first.edit.before)}.`;
}

function heldText(operation: HeldOperation): string {
  if (operation.kind !== "postgres.query") return cut(JSON.stringify(operation));
  const { statement, parameters } = operation;
  const values = parameters.map((value, index) => `$${index + 1} = ${valueText(value)}`).join(", ");
  return cut(`${JSON.stringify(statement)}${values === "" ? "" : ` with ${values}`}`);
}

function valueText(value: null | string | Uint8Array): string {
  if (value === null) return "NULL";
  return typeof value === "string" ? JSON.stringify(value) : `\\x${Buffer.from(value).toString("hex")}`;
}

function cut(text: string): string {
  return text.length > longest ? `${text.slice(0, longest).toWellFormed()}…` : text;
}
