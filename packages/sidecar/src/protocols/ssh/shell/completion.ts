import { knownPrograms, shellBuiltins } from "@countersign/policy";

const names: readonly string[] = [...new Set([...shellBuiltins, ...knownPrograms])].sort();

/** Programs that classification knows and commands of the shell that begin so, where a program may stand. Names of files are on the target, and would be asked for. */
export function completions(beginning: string, isFirst: boolean): readonly string[] {
  return isFirst ? names.filter((name) => name.startsWith(beginning)) : [];
}
