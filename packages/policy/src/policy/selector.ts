/** What selectors choose among. */
export interface Selectable {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
}

/** Whether a selector (`orders-db`, `orders-*`, `label:env=prod`) names a resource. `*` stands for any text, `?` for one character. */
export function selects(selector: string, resource: Selectable): boolean {
  if (!selector.startsWith("label:")) return matchesGlob(selector, resource.name);
  const separator = selector.indexOf("=");
  const key = selector.slice("label:".length, separator);
  const value = Object.hasOwn(resource.labels, key) ? resource.labels[key] : undefined;
  return value !== undefined && matchesGlob(selector.slice(separator + 1), value);
}

/** Goes back to the last `*` only, so that no pattern takes more than pattern × text steps. */
function matchesGlob(pattern: string, text: string): boolean {
  let at = 0;
  let star = -1;
  let retry = 0;
  for (let index = 0; index < text.length; ) {
    if (pattern[at] === "*") {
      star = at++;
      retry = index;
    } else if (pattern[at] === "?" || (at < pattern.length && pattern[at] === text[index])) {
      at++;
      index++;
    } else if (star >= 0) {
      at = star + 1;
      index = ++retry;
    } else return false;
  }
  while (pattern[at] === "*") at++;
  return at === pattern.length;
}
