/** Whether a text is empty to PostgreSQL's scanner: white space, semicolons, comments. What is said to be blank is not sent, so an error here is harmless. */
export function isBlank(text: string): boolean {
  let at = 0;
  while (at < text.length) {
    const space = /[ \t\n\r\f\v;]/.test(text.charAt(at));
    const next = space ? at + 1 : endOfComment(text, at);
    if (next === undefined) return false;
    at = next;
  }
  return true;
}

function endOfComment(text: string, start: number): number | undefined {
  if (text.startsWith("--", start)) {
    const end = text.slice(start).search(/[\n\r]/);
    return end === -1 ? text.length : start + end;
  }
  if (!text.startsWith("/*", start)) return undefined;
  // They nest.
  let depth = 0;
  for (const mark of text.slice(start).matchAll(/\/\*|\*\//g)) {
    depth += mark[0] === "/*" ? 1 : -1;
    if (depth === 0) return start + mark.index + 2;
  }
  return undefined;
}

/**
 * Whether a text means the same under every setting of standard_conforming_strings and client_encoding. Any other is sent when everything before
 * it is answered: a trigger or a view may change them, which the server tells at once, and the session ends.
 */
export function isPlain(text: string): boolean {
  return !/[\\\u0080-\uffff]/.test(text);
}
