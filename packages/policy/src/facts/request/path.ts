import { isLookalike } from "./lookalike.ts";
import { decodeOnce, holdsEscape } from "./percent.ts";
import { refused } from "./refusal.ts";

/** A path that every server reads in the same way, as far as `doubts` does not say otherwise. */
export interface Path {
  /** Percent-decoded once: `/`, then the segments joined by `/`; ends in `/` when it was sent so. */
  readonly text: string;
  /** Percent-decoded once, in order; without the empty one after a slash at the end. */
  readonly segments: readonly string[];
  /** What some servers would read in another way, in words. */
  readonly doubts: readonly string[];
}

/** What RFC 3986 §3.3 permits in a path, and the two separators. */
const pathCharacters = /^[A-Za-z0-9\-._~!$&'()*+,;=:@%/]*$/;

/** Escapes of letters, digits, `-`, `.` and `_` (unreserved, RFC 3986 §2.3). Not `~`, which older encoders escape. */
const needlessEscape = /%(?:2[DE]|3[0-9]|4[1-9A-F]|5[0-9AF]|6[1-9A-F]|7[0-9A])/i;

/**
 * Reads the path of a request target in origin form, without its query. Whatever another server may resolve to another path is refused
 * (dot segments, empty segments, encoded separators, double encoding) or doubted.
 *
 * @throws {CountersignError} `invalid_operation`.
 */
export function readPath(sent: string): Path {
  if (!sent.startsWith("/"))
    throw refused('The path does not begin with "/". Only the origin form is taken, e.g. /orders/7?full=1.');
  if (!pathCharacters.test(sent)) throw refused(`The path holds ${badCharacter(sent)}`);
  if (sent === "/") return { text: "/", segments: [], doubts: [] };
  const raw = sent.slice(1).split("/");
  const trailing = raw.at(-1) === "";
  if (trailing) raw.pop();
  const doubts = new Set<string>();
  const segments = raw.map((segment) => readSegment(segment, doubts));
  return { text: `/${segments.join("/")}${trailing ? "/" : ""}`, segments, doubts: [...doubts] };
}

function badCharacter(path: string): string {
  const [character = ""] = [...path].filter((one) => !pathCharacters.test(one));
  if (character === "\\") return 'a backslash, which some servers take for "/". Write "/", or leave it out.';
  if (character === "#") return "a fragment (#), which is not part of a request. Write %23 for a #.";
  if (character <= " " || character === "\u007f") return "white space or a control character. Write %20 for a space.";
  if (character > "~") return "characters that are not ASCII. Percent-encode them as UTF-8.";
  return `${JSON.stringify(character)}, which a path does not take (RFC 3986 §3.3). Percent-encode it.`;
}

function readSegment(sent: string, doubts: Set<string>): string {
  const segment = decodeOnce(sent, "the path");
  if (segment === "") throw refused('The path holds an empty segment ("//"), which some servers drop. Write one "/".');
  if (/[/\\]/.test(segment)) throw refused("The path holds an encoded slash or backslash (%2F, %5C), which some servers decode.");
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  if (/[\u0000-\u001f\u007f-\u009f]/.test(segment)) throw refused("The path holds an encoded control character.");
  if (holdsEscape(segment)) throw refused("The path is percent-encoded twice (e.g. %252e). Encode it once.");
  // Servlet containers drop what follows a semicolon, before they resolve dot segments: /x/..;/admin.
  const [name = ""] = segment.split(";", 1);
  if (name.trim() === "" || name.trim() === "." || name.trim() === "..")
    throw refused('The path holds a dot segment ("." or "..") or an empty one. Send the path that is meant.');
  if (name !== segment) doubts.add("the path has a parameter after a semicolon, which some servers drop");
  if (needlessEscape.test(sent)) doubts.add("the path encodes letters, digits, - . or _, which some servers do not decode");
  if (/[?#]/.test(segment)) doubts.add("the path holds an encoded ? or #, where servers that decode first end the path");
  if (/[. ]$|^ /.test(name)) doubts.add("a part of the path begins or ends in a space or ends in a dot, which some servers drop");
  if (isLookalike(segment)) doubts.add("the path holds characters that some servers take for others");
  return segment;
}
