import { refused } from "../request/refusal.ts";

/**
 * The one name that a field selector asks for (`metadata.name=x`), or undefined. Written after `fields.ParseSelector` and
 * `RequiresExactMatch` of k8s.io/apimachinery: terms are separated by commas, `\` escapes `\`, `,` and `=` in a value.
 *
 * @throws {CountersignError} `invalid_operation` when it cannot be parsed, or asks for two names.
 */
export function selectedName(selector: string): string | undefined {
  let name: string | undefined;
  for (const term of splitTerms(selector)) {
    if (term === "") continue;
    const match = /^(.*?)(!=|==?)(.*)$/s.exec(term);
    if (!match) throw refused("A term of fieldSelector has no operator (=, ==, !=).");
    const [, field, operator, escaped = ""] = match;
    const value = unescaped(escaped);
    if (field !== "metadata.name" || operator === "!=") continue;
    if (name !== undefined) throw refused("fieldSelector names metadata.name twice.");
    name = value;
  }
  return name;
}

function splitTerms(selector: string): readonly string[] {
  // A backslash hides the character after it, whatever it is.
  return selector.match(/(?:\\.|[^,\\]|\\$)+/gs) ?? [];
}

function unescaped(escaped: string): string {
  const value = /^(?:[^\\,=]|\\[\\,=])*$/s;
  if (!value.test(escaped))
    throw refused("A value in fieldSelector holds an unescaped = or an escape other than \\\\, \\, and \\=.");
  return escaped.replace(/\\(.)/gs, "$1");
}
