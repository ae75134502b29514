import type { GrantTerms, ValueBound } from "@countersign/rpc";
import { parseDuration } from "./commands/command.ts";
import { CliError, exitCodes } from "./exit.ts";

/**
 * What `--grant` and `--bound` say: `uses=20,ttl=8h`, and for each value `NAME=any`, `NAME=range:1..1000`, `NAME=prefix:dup-` or
 * `NAME=one_of:a,b` (or a JSON array of texts).
 *
 * @throws {CliError} usage.
 */
export function parseGrant(grant: string, bounds: readonly string[]): GrantTerms {
  const given = new Map(grant.split(",").map((part) => part.split("=", 2) as [string, string | undefined]));
  const { uses, ttl, ...more } = Object.fromEntries(given);
  if (uses === undefined || ttl === undefined || Object.keys(more).length > 0 || !/^[1-9]\d{0,8}$/.test(uses)) {
    throw wrong(`--grant ${JSON.stringify(grant)} is not a grant; write how often and for how long: uses=20,ttl=8h.`);
  }
  const ttlSeconds = parseDuration("--grant ttl", ttl) / 1000;
  if (!Number.isInteger(ttlSeconds)) throw wrong("--grant ttl has to be whole seconds.");
  return { uses: Number(uses), ttlSeconds, bounds: bounds.map(parseBound) };
}

function parseBound(text: string): ValueBound {
  const [, value, bound] = /^(.+?)=(any|(?:range|prefix|one_of):.*)$/s.exec(text) ?? [];
  if (value === undefined || bound === undefined) {
    throw wrong(
      `--bound ${JSON.stringify(text)} is not a bound; write e.g. '$1=range:1..1000', '$1=one_of:a,b', '$1=prefix:dup-' or 'constant 1=any'.`,
    );
  }
  if (bound === "any") return { value, bound: { $case: "any", value: true } };
  const [type, of] = [bound.slice(0, bound.indexOf(":")), bound.slice(bound.indexOf(":") + 1)];
  if (type === "prefix") return { value, bound: { $case: "prefix", value: of } };
  if (type === "one_of") return { value, bound: { $case: "oneOf", value: { values: texts(of) } } };
  const [, min, max] = /^(.*?)\.\.(.*)$/.exec(of) ?? [];
  if (min === undefined || max === undefined) throw wrong(`--bound ${JSON.stringify(text)}: write a range as range:1..1000.`);
  return { value, bound: { $case: "range", value: { min, max } } };
}

function texts(of: string): string[] {
  if (!of.startsWith("[")) return of.split(",");
  try {
    const list: unknown = JSON.parse(of);
    if (Array.isArray(list) && list.every((one) => typeof one === "string")) return list;
  } catch {
    // Said below.
  }
  throw wrong(`--bound one_of:${of}: what begins with [ has to be a JSON array of texts.`);
}

function wrong(message: string): CliError {
  return new CliError(exitCodes.usage, message);
}
