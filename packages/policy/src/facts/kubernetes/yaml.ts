import { parseAllDocuments, visit } from "yaml";
import type { BodyBytes } from "../request/body.ts";
import type { Headers } from "../request/headers.ts";
import { readJson } from "../request/json-text.ts";
import { freezeJson, type JsonFact } from "../request/json-value.ts";

/** Parsing takes some microseconds for each character. */
const maxYaml = 32 * 1024;
const where = "the body";

/**
 * Reads a YAML body of which there is only one reading. API servers read YAML 1.1, with a parser of their own: what YAML 1.2 reads
 * differently (`yes`, `010`, `1_000`, dates) is not looked into, nor anchors, aliases, tags, merge keys and several documents.
 */
export function readYaml({ text, length }: BodyBytes, { values }: Headers): JsonFact {
  const [type = ""] = values["content-type"] ?? [];
  const unread = (why: string): JsonFact => ({ value: null, doubts: [`${where} is not looked into: ${why}`] });
  if (values["content-encoding"]) return unread("it has a Content-Encoding");
  if (text === undefined || !/^[^;]*(?:; *charset=utf-8)?$/i.test(type)) return unread("it is not plainly UTF-8 text");
  // kubectl sends JSON, which is YAML too.
  const json = readJson(text, where);
  if (json.value !== null) return holdsMergeKey(text) ? unread("it has a merge key") : json;
  if (length > maxYaml) return unread(`it is YAML and larger than ${maxYaml} bytes`);
  const newer = parse(text, "1.2");
  const older = parse(text, "1.1");
  if (newer === undefined || older === undefined) return unread("its YAML holds more than plain values, or is not valid");
  if (JSON.stringify(newer) !== JSON.stringify(older))
    return unread("its YAML has values that YAML 1.1 and 1.2 read differently");
  return freezeJson(newer.value, where);
}

function holdsMergeKey(text: string): boolean {
  return text.includes('"<<"');
}

/** The value, in an object of its own; undefined when the text is not one document of plain maps, lists and scalars. */
function parse(text: string, version: "1.1" | "1.2"): { readonly value: unknown } | undefined {
  // Dates and the like are told from text by what the schema makes of them.
  const documents = parseAllDocuments(text, {
    version,
    schema: version === "1.1" ? "yaml-1.1" : "core",
    merge: false,
    uniqueKeys: true,
  });
  const [document] = documents;
  if (
    !Array.isArray(documents) ||
    documents.length !== 1 ||
    document === undefined ||
    document.errors.length > 0 ||
    document.warnings.length > 0
  )
    return undefined;
  let plain = true;
  visit(document, {
    Alias: () => {
      plain = false;
      return visit.BREAK;
    },
    Node: (_, node) => {
      if (!("anchor" in node) || (node.anchor === undefined && node.tag === undefined)) return undefined;
      plain = false;
      return visit.BREAK;
    },
    Pair: (_, { key }) => {
      if (typeof Reflect.get(Object(key), "value") === "string" && Reflect.get(Object(key), "value") !== "<<") return undefined;
      plain = false;
      return visit.BREAK;
    },
  });
  return plain ? { value: document.toJS({ maxAliasCount: 0 }) } : undefined;
}
