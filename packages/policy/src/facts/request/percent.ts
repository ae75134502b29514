import { refused } from "./refusal.ts";

/**
 * Decodes percent-encoding exactly once (RFC 3986 §2.1) to UTF-8.
 *
 * @param where - What the text is, for messages: `the path`.
 * @throws {CountersignError} `invalid_operation` for a `%` that is no escape, and for bytes that are not UTF-8 (also overlong forms, with
 * which filters for `/` and `.` are avoided).
 */
export function decodeOnce(text: string, where: string): string {
  if (!text.includes("%")) return text;
  if (/%(?![0-9A-Fa-f]{2})/.test(text))
    throw refused(`${where} holds a % that is not followed by two hex digits. Write %25 for a %.`);
  try {
    return decodeURIComponent(text);
  } catch {
    throw refused(`${where} is not UTF-8 after percent-decoding. Encode text as UTF-8.`);
  }
}

/** Whether text that was decoded once would be decoded further by a server that decodes twice (`%252e`), or as IIS reads `%u002e`. */
export function holdsEscape(decoded: string): boolean {
  return decoded.includes("%") && /%(?:[0-9A-Fa-f]{2}|u)/i.test(decoded);
}
