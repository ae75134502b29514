import type { Program } from "./program.ts";
import { builtins, shellWords } from "./programs/builtins.ts";
import { files } from "./programs/files.ts";
import { languages } from "./programs/languages.ts";
import { network } from "./programs/network.ts";
import { runners } from "./programs/runners.ts";
import { services } from "./programs/services.ts";
import { system } from "./programs/system.ts";
import { text } from "./programs/text.ts";

/** Every program that is known, by its name. */
export const programs: ReadonlyMap<string, Program> = new Map<string, Program>(
  [builtins, files, languages, network, runners, services, system, text].flatMap((table) => Object.entries(table)),
);

/** Whether some shell takes a bare word for a command or keyword of its own. */
export function isShellWord(word: string): boolean {
  return shellWords.has(word);
}
