import { CliError, exitCodes } from "./exit.ts";

/**
 * The one thing whose id begins (with or without its prefix) or ends so.
 *
 * @param kind what it is, as its ids begin: `lock` for `lock_…`.
 * @param listing the command that lists them.
 * @throws {CliError} when there is none, or more than one.
 */
export function byPartOfId<Thing extends { readonly id: string }>(
  things: readonly Thing[],
  part: string,
  kind: string,
  listing: string,
): Thing {
  const isMeant = ({ id }: Thing): boolean => id.startsWith(part) || id.startsWith(`${kind}_${part}`) || id.endsWith(part);
  const exact = things.find(({ id }) => id === part);
  const matches = exact === undefined ? things.filter(isMeant) : [exact];
  const [match, ...others] = matches;
  if (match === undefined) throw new CliError(exitCodes.failure, `There is no ${kind} ${part}. \`${listing}\` lists them.`);
  if (others.length === 0) return match;
  throw new CliError(exitCodes.failure, `${part} could be one of ${matches.length}. Give more of the id.`);
}
