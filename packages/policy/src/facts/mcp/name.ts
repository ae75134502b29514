import { isLookalike } from "../request/lookalike.ts";
import { refused } from "../request/refusal.ts";

/** MCP 2025-11-25, "Tool Names". */
const maxLength = 128;

/**
 * Checks the name of a server or tool.
 *
 * @returns why it is not understood; empty when it is.
 * @throws {CountersignError} `invalid_operation` for one that is empty or too long, or that people or programs may take for another name.
 */
export function nameDoubts(name: string, where: string): readonly string[] {
  if (name === "" || name.length > maxLength) throw refused(`${where} is empty or longer than ${maxLength} characters.`);
  if (/^[A-Za-z0-9_./-]+$/.test(name)) return [];
  if (!name.isWellFormed() || isLookalike(name) || name.trim() !== name || /\s\s/.test(name))
    throw refused(
      `${where} holds control, invisible or look-alike characters, or spaces around it. Use letters, digits, _ - . and /.`,
    );
  return /^[ -~]+$/.test(name) ? [] : [`${where} holds letters that are not ASCII, which people may take for others`];
}
