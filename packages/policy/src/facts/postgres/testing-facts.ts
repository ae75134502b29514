import { CountersignError } from "../../outcome.ts";
import { classifyText } from "./classify.ts";
import type { SqlFacts } from "./definition.ts";

/** The facts of a text for tests. */
export function factsOf(text: string, searchPath: readonly string[] = ["public"], serverVersion?: number): SqlFacts {
  return classifyText(text, searchPath, serverVersion).facts;
}

/** Why a text is refused, or `accepted`. What is not the typed error is told apart, so that no test passes on it. */
export function refusalOf(text: string): string {
  try {
    factsOf(text);
  } catch (error) {
    return error instanceof CountersignError ? `${error.code}: ${error.message}` : `untyped: ${error}`;
  }
  return "accepted";
}
