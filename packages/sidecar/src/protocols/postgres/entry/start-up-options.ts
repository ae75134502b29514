import { StartUpRefusal } from "./start-up-refusal.ts";

/**
 * Reads the start-up parameter `options` (and PGOPTIONS): `-c name=value`, `-cname=value` or `--name=value`, separated by white space that a
 * backslash takes its meaning from, as PostgreSQL's `pg_split_opts` does.
 *
 * @throws {StartUpRefusal} for any other switch of a server's command line.
 */
export function parseOptions(text: string): readonly (readonly [name: string, value: string])[] {
  const words = split(text);
  const settings: (readonly [string, string])[] = [];
  for (let word = words.shift(); word !== undefined; word = words.shift()) {
    const setting = word === "-c" ? words.shift() : /^(?:-c|--)(?=[^-])(.*)$/s.exec(word)?.[1];
    const [, name, value] = /^([^=]+)=(.*)$/s.exec(setting ?? "") ?? [];
    if (name === undefined || value === undefined) {
      throw new StartUpRefusal(
        "42601",
        `startup option ${JSON.stringify(word)} is not accepted`,
        "Countersign accepts settings only: options='-c NAME=VALUE'.",
      );
    }
    // A server takes the dashes of a long option for underscores (ParseLongOption).
    settings.push([name.replaceAll("-", "_"), value]);
  }
  return settings;
}

const isSpace = (character: string): boolean => /[ \t\n\v\f\r]/.test(character);

function split(text: string): string[] {
  const words: string[] = [];
  let word: string | undefined;
  for (let at = 0; at < text.length; at++) {
    const character = text.charAt(at);
    if (isSpace(character)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else {
      if (character === "\\") at++;
      word = (word ?? "") + text.charAt(at);
    }
  }
  return word === undefined ? words : [...words, word];
}
