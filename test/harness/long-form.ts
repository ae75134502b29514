import { parseArgs } from "node:util";

/** What somebody typed after the name of a long form. */
export interface LongForm<Name extends string> {
  /** Of the options; as they were typed, or the default. */
  readonly numbers: Readonly<Record<Name, number>>;
  /** What is no option. */
  readonly names: readonly string[];
}

/** What is to be typed. */
interface Expected<Name extends string> {
  readonly usage: string;
  /** Options that take a number above 0, with the default. */
  readonly numbers: Readonly<Record<Name, number>>;
  /** The words that may stand besides; absent = none. */
  readonly names?: readonly string[];
}

/**
 * Reads the arguments of a long form of a test: one that ran for no time would find nothing wrong.
 *
 * @throws {Error} whose message says what is wrong with them, and how they are written.
 */
export function readLongForm<Name extends string>(args: readonly string[], expected: Expected<Name>): LongForm<Name> {
  const { usage, numbers: defaults, names = [] } = expected;
  const wrong = (what: string) => new Error(`${what}\nUsage: ${usage}`);
  const options = Object.fromEntries(Object.keys(defaults).map((name) => [name, { type: "string" as const }]));
  const { values, positionals } = (() => {
    try {
      return parseArgs({ args: [...args], allowPositionals: true, options });
    } catch (error) {
      throw wrong(error instanceof Error ? error.message : String(error));
    }
  })();
  const unknown = positionals.find((name) => !names.includes(name));
  if (unknown !== undefined)
    throw wrong(names.length > 0 ? `There is no ${unknown}; there are ${names.join(", ")}.` : `${unknown} is no option.`);
  const given: Partial<Record<string, number>> = {};
  for (const [name, text] of Object.entries(values)) {
    const number = Number(text);
    if (!(number > 0 && Number.isFinite(number))) throw wrong(`--${name} is a number above 0, not ${JSON.stringify(text)}.`);
    given[name] = number;
  }
  return { numbers: { ...defaults, ...given }, names: positionals };
}

/** As {@link readLongForm}, of this process; what is wrong is said, and ends it with 2. */
export function longForm<Name extends string>(expected: Expected<Name>): LongForm<Name> {
  try {
    return readLongForm(process.argv.slice(2), expected);
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : error}\n`);
    process.exit(2);
  }
}
