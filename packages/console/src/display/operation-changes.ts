import type { Content, Operation, Parameter } from "../api/operation.ts";
import { hex } from "./bytes.ts";
import { valueWords } from "./grant-words.ts";
import { indentedJson } from "./indented-json.ts";
import { operationParts, type Part } from "./operation-parts.ts";

/** What is different between two operations in one part or value. */
export interface Change {
  readonly name: string;
  readonly before: string;
  readonly after: string;
  /** One value, in words; otherwise whole texts. */
  readonly short: boolean;
}

/** All that differs between two operations of one kind; empty when nothing does. */
export function changedParts(before: Operation, after: Operation): readonly Change[] {
  const [old, now] = [pieces(before), pieces(after)];
  return [...new Set([...old.keys(), ...now.keys()])].flatMap((name) => {
    const [was, is] = [old.get(name), now.get(name)];
    const short = (was ?? is)?.short ?? false;
    const none = short ? "not given" : "";
    if (was !== undefined && is !== undefined && was.text === is.text) return [];
    const [before, after] = laidOut(was, is) ?? [was?.text ?? none, is?.text ?? none];
    return [{ name, before, after, short }];
  });
}

interface Piece {
  readonly text: string;
  readonly short: boolean;
  readonly isJson?: boolean;
}

/** JSON line by line; undefined where that would hide what is different: white space. */
function laidOut(was: Piece | undefined, is: Piece | undefined): readonly [string, string] | undefined {
  if (!was?.isJson || !is?.isJson) return undefined;
  const [before, after] = [indentedJson(was.text), indentedJson(is.text)];
  return before === after ? undefined : [before, after];
}

function pieces(operation: Operation): ReadonlyMap<string, Piece> {
  return new Map(operationParts(operation).flatMap(piecesOf));
}

function piecesOf(part: Part): readonly (readonly [string, Piece])[] {
  switch (part.type) {
    case "block":
      return [[part.name, { text: contentText(part.content), short: false, isJson: part.syntax === "json" }]];
    case "values":
      // A header may stand twice.
      return part.values.map(({ name, content }, index) => [
        part.values.findIndex((one) => one.name === name) === index ? name : `${name} (${index + 1})`,
        { text: valueText(content), short: true },
      ]);
    case "note":
      return [[part.name, { text: part.text, short: true }]];
  }
}

function contentText(content: Content): string {
  return content.type === "text" ? content.value : hex(content.value);
}

function valueText(content: Parameter): string {
  return content.type === "binary" ? hex(content.value) : valueWords(content);
}
