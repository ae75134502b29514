import { isPair, isScalar, type Node, parseDocument, type Scalar, visit } from "yaml";
import type { BodyBytes } from "../request/body.ts";
import type { Headers } from "../request/headers.ts";
import { readJson } from "../request/json-text.ts";
import { freezeJson, type JsonFact } from "../request/json-value.ts";

/** The parser takes some 0.2 µs for each character of what people write, and up to ten times that for what they do not. */
const maxYaml = 4 * 1024;
/** Brackets, tags and anchors cost the parser most. */
const maxMarks = 200;
const where = "the body";

/**
 * Reads a YAML body that has only one reading. API servers read YAML 1.1 with a parser of their own, the one here reads YAML 1.2: what the
 * two take for different values (`yes`, `010`, `1_000`, dates) is not looked into, nor anchors, aliases, tags and merge keys.
 */
export function readYaml({ text, length }: BodyBytes, { values }: Headers): JsonFact {
  const [type = ""] = values["content-type"] ?? [];
  const unread = (why: string): JsonFact => ({ value: null, doubts: [`${where} is not looked into: ${why}`] });
  if (values["content-encoding"]) return unread("it has a Content-Encoding");
  if (text === undefined || !/^[^;]*(?:; *charset=utf-8)?$/i.test(type)) return unread("it is not plainly UTF-8 text");
  // Some YAML versions take these for the end of a line, also within quotes.
  if (/[\u0085\u2028\u2029\ufeff]/.test(text)) return unread("its YAML holds characters that are read in different ways");
  // kubectl sends JSON, which is YAML too.
  if (text.startsWith("{")) {
    const json = readJson(text, where);
    return text.includes('"<<"') ? unread("it has a merge key") : json;
  }
  if (length > maxYaml) return unread(`it is YAML and larger than ${maxYaml} bytes`);
  if ((text.match(/[[{!&*]/g)?.length ?? 0) > maxMarks) return unread("its YAML has too many brackets, tags and anchors");
  if (/\t|^%/m.test(text)) return unread("its YAML holds tabs or directives");
  const document = parseDocument(text, { schema: "core", merge: false, uniqueKeys: true });
  if (document.errors.length > 0 || document.warnings.length > 0) return unread("it is not one valid YAML document");
  let plain = true;
  visit(document, {
    Pair: (_, { key }) => stop(isScalar(key) && typeof key.value === "string"),
    Scalar: (_, node, path) => stop(!isMarked(node) && isClear(node, path.some(isFlow))),
    Collection: (_, node) => stop(!isMarked(node)),
    Alias: () => stop(false),
  });
  function stop(clear: boolean): symbol | undefined {
    plain &&= clear;
    return plain ? undefined : visit.BREAK;
  }
  return plain
    ? freezeJson(document.toJS({ maxAliasCount: 0 }), where)
    : unread("its YAML holds more than plain values, or some that YAML 1.1 and 1.2 read differently");
}

/** Whether a node has an anchor or a tag. */
function isMarked(node: Node): boolean {
  return node.tag !== undefined || ("anchor" in node && node.anchor !== undefined);
}

function isFlow(parent: unknown): boolean {
  return !isPair(parent) && typeof parent === "object" && parent !== null && "flow" in parent && parent.flow === true;
}

/** Plain scalars that are a value of their own in every version. */
const literal = /^(?:null|true|false|-?(?:0|[1-9]\d{0,14})(?:\.\d{1,6})?)?$/;
/** Text in YAML 1.2 that another version may take for something else: booleans, numbers in other notations, dates, merge and default keys. */
const special = /^(?:y|n|yes|no|on|off|true|false|null|~|=|<<|[-+.\d][-+.:\d_a-fotxz ]*|[-+]?\.(?:inf|nan))$/i;

/** Whether a scalar means the same in YAML 1.1 and 1.2. */
function isClear({ type, source = "" }: Scalar, inFlow: boolean): boolean {
  if (type !== "PLAIN") return type !== undefined;
  if (literal.test(source)) return true;
  return !special.test(source) && !(inFlow && /[:?#]/.test(source));
}
