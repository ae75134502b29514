const locale = /^(?:C|POSIX|(?:C|[a-z]{2,3}_[A-Z]{2})\.(?:UTF-8|utf8))$/;
const count = /^[0-9]{1,4}$/;
const word = /^[A-Za-z0-9_-]*$/;

/**
 * Variables that may be set before a command, and their values: nothing here makes a program load, run or write anything. Other character
 * sets than UTF-8 are left out: in some, a backslash is half a letter.
 */
const harmless: ReadonlyMap<string, RegExp> = new Map([
  ["LANG", locale],
  ["LANGUAGE", /^(?:C|en|de|fr)?$/],
  ["LC_ALL", locale],
  ["LC_COLLATE", locale],
  ["LC_CTYPE", locale],
  ["LC_MESSAGES", locale],
  ["LC_NUMERIC", locale],
  ["LC_TIME", locale],
  ["TZ", /^[A-Za-z]+(?:[+-][0-9]{1,2})?(?:\/[A-Za-z_]+){0,2}$/],
  ["COLUMNS", count],
  ["LINES", count],
  ["NO_COLOR", word],
  ["CLICOLOR", word],
  ["SYSTEMD_COLORS", word],
  ["TERM", /^(?:dumb|xterm(?:-256color)?|vt100)$/],
  // Empty and `cat` turn the pager off.
  ["PAGER", /^(?:cat)?$/],
  ["SYSTEMD_PAGER", /^(?:cat)?$/],
  ["GIT_PAGER", /^(?:cat)?$/],
  ["DEBIAN_FRONTEND", /^noninteractive$/],
]);

/** Whether a variable with this value changes nothing that matters. */
export function isHarmless(name: string, value: string): boolean {
  return harmless.get(name)?.test(value) ?? false;
}
