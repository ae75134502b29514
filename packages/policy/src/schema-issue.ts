import { z } from "zod";
import type { OpenDocument, Path } from "./open-document.ts";
import type { Problem } from "./problem.ts";
import { didYouMean } from "./suggest.ts";

/** Says in words what a zod issue is about: what was found, what is expected, and what was probably meant. */
export function explainIssue(issue: z.core.$ZodIssue, schema: z.ZodType, document: OpenDocument): readonly Problem[] {
  const found = valueAt(document.value, issue.path);
  switch (issue.code) {
    case "unrecognized_keys":
      return issue.keys.map((key) => {
        const known = keysAt(schema, issue.path);
        return document.problemAtKey(
          [...issue.path, key],
          `unknown key "${key}"${didYouMean(key, known) || `; expected one of: ${known.join(", ")}`}`,
        );
      });
    case "invalid_type":
      if (found === undefined && issue.path.length > 0) {
        return [document.problem(issue.path, `"${String(issue.path.at(-1))}" is missing; expected ${article(issue.expected)}`)];
      }
      return [document.problem(issue.path, `found ${describe(found)}, expected ${article(issue.expected)}`)];
    case "invalid_value":
      return [document.problem(issue.path, expectedOf(found, issue.values.map(String), issue.path))];
    case "invalid_key":
      return [document.problemAtKey(issue.path, issue.issues[0]?.message ?? issue.message)];
    case "invalid_union":
      // Of several forms none has the name that is given.
      if ("options" in issue && Array.isArray(issue.options) && issue.options.length > 0)
        return [document.problem(issue.path, expectedOf(found, issue.options.map(String), issue.path))];
      return explainUnion(issue, schema, document);
    default:
      return [document.problem(issue.path, issue.message)];
  }
}

function expectedOf(found: unknown, values: readonly string[], path: Path): string {
  if (found === undefined) return `"${String(path.at(-1))}" is missing; expected ${values.join(" or ")}`;
  const hint = typeof found === "string" ? didYouMean(found, values) : "";
  return `found ${describe(found)}, expected ${values.join(" or ")}${hint}`;
}

/** Of a union's forms the one that fits furthest says what is wrong. */
function explainUnion(issue: z.core.$ZodIssueInvalidUnion, schema: z.ZodType, document: OpenDocument): readonly Problem[] {
  const depth = (issues: readonly z.core.$ZodIssue[]): number => Math.max(0, ...issues.map((one) => one.path.length));
  const best = [...issue.errors].sort((a, b) => depth(b) - depth(a))[0];
  if (best === undefined || depth(best) === 0) {
    const forms = issue.errors.flatMap((form) =>
      form.flatMap((one) => (one.code === "invalid_type" ? [article(one.expected)] : [])),
    );
    const found = describe(valueAt(document.value, issue.path));
    const message = forms.length > 0 ? `found ${found}, expected ${[...new Set(forms)].join(" or ")}` : issue.message;
    return [document.problem(issue.path, message)];
  }
  return best.flatMap((one) => explainIssue({ ...one, path: [...issue.path, ...one.path] }, schema, document));
}

function valueAt(value: unknown, path: Path): unknown {
  return path.reduce<unknown>(
    (inner, key) => (typeof inner === "object" && inner !== null ? Reflect.get(inner, key) : undefined),
    value,
  );
}

/** The keys that a schema knows at a place. */
function keysAt(schema: z.core.$ZodType, path: Path): readonly string[] {
  const inner = unwrapSchema(schema);
  const [key, ...rest] = path;
  if (inner instanceof z.ZodUnion) return [...new Set(inner.options.flatMap((option) => keysAt(option, path)))];
  if (inner instanceof z.ZodObject) {
    if (key === undefined) return Object.keys(inner.shape);
    const field: unknown = inner.shape[String(key)];
    return field instanceof z.ZodType ? keysAt(field, rest) : [];
  }
  if (inner instanceof z.ZodArray) return keysAt(inner.element, rest);
  if (inner instanceof z.ZodRecord) return keysAt(inner.valueType, rest);
  return [];
}

function unwrapSchema(schema: z.core.$ZodType): z.core.$ZodType {
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodNullable || schema instanceof z.ZodReadonly)
    return unwrapSchema(schema.unwrap());
  if (schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault) return unwrapSchema(schema.def.innerType);
  if (schema instanceof z.ZodPipe) return unwrapSchema(schema.in instanceof z.ZodTransform ? schema.out : schema.in);
  if (schema instanceof z.ZodLazy) return unwrapSchema(schema.unwrap());
  return schema;
}

function describe(value: unknown): string {
  if (value === undefined || value === null) return "nothing";
  if (Array.isArray(value)) return "a list";
  if (typeof value === "object") return "a mapping";
  if (typeof value === "string") return `the text "${value.length > 40 ? `${value.slice(0, 40)}…` : value}"`;
  return String(value);
}

const words: Readonly<Record<string, string>> = {
  string: "a text",
  number: "a number",
  int: "a whole number",
  boolean: "true or false",
  array: "a list",
  object: "a mapping",
  record: "a mapping",
};

function article(type: string): string {
  return words[type] ?? type;
}
