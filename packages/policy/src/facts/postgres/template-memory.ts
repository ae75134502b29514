import { LRUCache } from "lru-cache";
import { type Classified, classifyParsed, classifyText } from "./classify.ts";
import type { SqlFacts } from "./definition.ts";
import { areConstants, type IntegerTemplate, integerTemplate, witness } from "./integer-template.ts";
import { parse } from "./parser.ts";
import { TemplatedFacts } from "./templated-facts.ts";

/** What is the same for all texts that are remembered together. */
interface Circumstances {
  readonly searchPath: readonly string[];
  readonly serverVersion?: number;
}

/** What a template's first text was found to be; `none`: its integers are not all constants. */
type Known = Classified | "none";

/** By circumstances, of which there are as many as targets; then by template. */
const memories = new LRUCache<string, LRUCache<string, Known>>({ max: 100 });

/**
 * The facts of a text by those of another one that differs in integers alone: what such constants are makes no difference to any fact but the
 * text. Undefined for a text without such a template.
 *
 * @throws {CountersignError} as `classifyText`.
 */
export function classifyByTemplate(text: string, at: Circumstances): Classified | undefined {
  const { searchPath, serverVersion } = at;
  const template = integerTemplate(text);
  if (template === undefined) return undefined;
  const memory = memoryOf(`${serverVersion ?? ""}\0${searchPath.join("\0")}`);
  const known = memory.get(template.key);
  if (known === "none") return undefined;
  if (known !== undefined) return { facts: new TemplatedFacts(known.facts, text), parameters: known.parameters };
  const parsed = parse(text);
  const classified = classifyParsed(text, parsed, searchPath, serverVersion);
  const holds = areConstants(parsed, template) && isWitnessed(classified, text, template, at);
  memory.set(template.key, holds ? classified : "none");
  return classified;
}

function memoryOf(key: string): LRUCache<string, Known> {
  let memory = memories.get(key);
  if (memory === undefined) {
    memory = new LRUCache({ max: 2_000 });
    memories.set(key, memory);
  }
  return memory;
}

/**
 * Whether a second text of the template, with quite other integers, has the same facts. It always has, if this file is right: should a fact one
 * day look at a constant, its statements are read one by one again.
 */
function isWitnessed(
  { facts, parts, parameters }: Classified,
  text: string,
  template: IntegerTemplate,
  at: Circumstances,
): boolean {
  let other: Classified;
  try {
    other = classifyText(witness(text, template), at.searchPath, at.serverVersion);
  } catch {
    return false;
  }
  return parts === undefined && other.parts === undefined && other.parameters === parameters && sameButText(facts, other.facts);
}

function sameButText({ text: _, ...facts }: SqlFacts, { text: __, ...others }: SqlFacts): boolean {
  return JSON.stringify(facts) === JSON.stringify(others);
}
