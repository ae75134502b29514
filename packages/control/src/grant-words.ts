import type { GrantedValue, GrantTemplate, ValueLimit } from "@countersign/policy";

/** What a grant is for, in words: the operation that it was made of, then what its values may be. Not escaped. */
export function templateText(text: string, { values }: GrantTemplate): string {
  // What is a constant of the text and must stay stands in the text.
  const shown = values.filter(({ name, limit }) => limit.type !== "exact" || name.startsWith("$"));
  const sorted = shown.toSorted((a, b) => a.name.localeCompare(b.name, "en", { numeric: true }));
  return [text, ...sorted.map(({ name, limit }) => `${name}: ${limitWords(limit)}`)].join("\n");
}

function limitWords(limit: ValueLimit): string {
  switch (limit.type) {
    case "exact":
      return valueWords(limit.value);
    case "one_of":
      return `one of ${limit.values.map((text) => JSON.stringify(text)).join(", ")}`;
    case "range":
      return `a number from ${limit.min} to ${limit.max}`;
    case "prefix":
      return `a text that begins with ${JSON.stringify(limit.prefix)}`;
    case "any":
      return "anything but NULL";
  }
}

function valueWords(value: GrantedValue): string {
  if (value === null) return "NULL";
  return "text" in value ? JSON.stringify(value.text) : `the bytes ${Buffer.from(value.binary, "base64url").toString("hex")}`;
}
