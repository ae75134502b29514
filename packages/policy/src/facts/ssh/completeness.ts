import { type ParsedScript, parse } from "unbash";

/** Whether a text is nothing but blanks and comments, or lacks something that may still follow, or neither: then it may be wrong. */
export function completeness(text: string): "blank" | "unfinished" | "whole" {
  let script: ParsedScript;
  try {
    script = parse(text);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return "whole";
  }
  const [problem] = script.errors ?? [];
  if (problem === undefined) return script.commands.length === 0 ? "blank" : "whole";
  // What is missing is missing at the end.
  const atEnd = problem.message.startsWith("expected") && problem.pos >= text.trimEnd().length - 1;
  return atEnd || problem.message.startsWith("unterminated") ? "unfinished" : "whole";
}
