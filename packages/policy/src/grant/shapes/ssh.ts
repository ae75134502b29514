import type { SshExec } from "../../action.ts";
import type { SshFacts } from "../../facts/ssh/definition.ts";
import { commandsOf } from "../../facts/ssh/syntax.ts";
import { tokensOf } from "../../facts/ssh/tokens.ts";
import type { Shape } from "../shape.ts";

/**
 * One plain command: its program, every program that it may start, its redirects; then its arguments. Assignments, groups, pipes and `!`
 * are none: what stands around the words would have to be compared as well.
 */
export function sshShape({ command, tty = false }: SshExec, facts: SshFacts): Shape | undefined {
  const [only, ...more] = commandsOf(command);
  if (only === undefined || more.length > 0 || only.assignments.length > 0) return undefined;
  const words: string[] = [];
  const files: string[] = [];
  let isFile = false;
  for (const token of tokensOf(command)) {
    if (token.kind === "operator") return undefined;
    if (token.kind === "word") (isFile ? files : words).push(token.value);
    isFile = token.kind === "redirect" && token.copies === undefined;
  }
  const [program, ...rest] = only.words;
  const plain = words.length === only.words.length && words.every((word, index) => word === only.words[index]);
  if (program === undefined || !plain) return undefined;
  const { programs, elevated, network, readOnly, redirects, directory } = facts;
  return {
    fixed: { program, words: rest.length, tty, programs, elevated, network, readOnly, redirects, files, directory },
    values: rest.map((text, index) => ({ name: `word ${index + 2}`, value: { text }, argument: true })),
  };
}
