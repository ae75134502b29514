import type { Body } from "../../action.ts";
import type { Json } from "../../canonical.ts";
import type { Headers } from "./headers.ts";
import { readJson } from "./json-text.ts";
import type { JsonFact } from "./json-value.ts";
import { readQuery } from "./query.ts";
import { refused, tooLarge } from "./refusal.ts";

/** The bytes of a body. */
export interface BodyBytes {
  readonly length: number;
  /** Undefined when they are not UTF-8, or there are none. */
  readonly text?: string;
}

/** A body that was looked into. */
export interface BodyFact {
  /** Lower case, without parameters; `""` when there is no Content-Type. */
  readonly contentType: string;
  /** The JSON value; a form as an object of lists; `null` when there is no body or it could not be looked into. */
  readonly value: Json;
  /** Why not, or what some servers would read in another way; in words. */
  readonly doubts: readonly string[];
}

/** Bodies above this are not taken. */
const maxBytes = 4 * 1024 * 1024;
/** What is known of the length of a body that was not seen: it is larger than what is taken. */
export const unseenBytes = maxBytes + 1;
/** Bodies above this are not looked into, so that no body holds the event loop. */
const maxRead = 256 * 1024;

/**
 * The bytes of a body and whether they are text.
 *
 * @throws {CountersignError} `operation_too_large` above 4 MiB; `invalid_operation` for a lone surrogate and for base64url that is not
 * canonical.
 */
export function readBytes(body: Body | undefined): BodyBytes {
  if (body === undefined) return { length: 0 };
  if ("text" in body && "binary" in body) throw refused("The body is given as text and as bytes. Give one of them.");
  const sent = "text" in body ? body.text : body.binary;
  if (sent.length > 2 * maxBytes) throw tooLarge(`The body is larger than ${maxBytes} bytes.`);
  if ("text" in body && !body.text.isWellFormed()) throw refused("The body is not well-formed Unicode (a lone surrogate).");
  const bytes = Buffer.from(sent, "text" in body ? "utf8" : "base64url");
  if (bytes.length > maxBytes) throw tooLarge(`The body is larger than ${maxBytes} bytes.`);
  if ("text" in body) return bytes.length === 0 ? { length: 0 } : { length: bytes.length, text: body.text };
  // Base64url has several texts for the same bytes; only one may be in an action, or one action would have several digests.
  if (bytes.toString("base64url") !== body.binary)
    throw refused("The body is not canonical base64url (no padding, no spare bits, no other characters).");
  const text = bytes.length === 0 || bytes.length > maxRead ? undefined : decode(bytes);
  return text === undefined ? { length: bytes.length } : { length: bytes.length, text };
}

function decode(bytes: Buffer): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

/**
 * Looks into a body as its Content-Type says: JSON and forms. Every other type, and what is encoded (gzip …), is not looked into.
 *
 * @throws {CountersignError} `invalid_operation` for a form or JSON text that no server should take.
 */
export function readBody({ length, text }: BodyBytes, { values }: Headers): BodyFact {
  const [sent] = values["content-type"] ?? [];
  const { contentType, utf8 } = readType(sent ?? "");
  const unread = (why: string): BodyFact => ({ contentType, value: null, doubts: [`the body is not looked into: ${why}`] });
  if (length === 0) return { contentType, value: null, doubts: [] };
  if (length > maxRead) return unread(`it is larger than ${maxRead} bytes`);
  if (values["content-encoding"]) return unread("it has a Content-Encoding");
  if (sent === undefined) return unread("it has no Content-Type");
  if (text === undefined || !utf8) return unread("it is not UTF-8 text, or its Content-Type does not say so plainly");
  if (/^application\/(?:[a-z0-9.-]+\+)?json$/.test(contentType)) return { contentType, ...readJson(text, "the body") };
  if (contentType === "application/x-www-form-urlencoded") return { contentType, ...readForm(text) };
  return unread("it is neither JSON nor a form");
}

/** A media type (RFC 9110 §8.3.1), and whether its text is UTF-8 beyond doubt: at most one charset, no parameter twice, nothing quoted. */
function readType(sent: string): { contentType: string; utf8: boolean } {
  const [type = "", ...parameters] = sent
    .toLowerCase()
    .split(";")
    .map((part) => part.trim());
  const names = parameters.map((parameter) => parameter.split("=", 1)[0]);
  const charsets = parameters.filter((parameter) => /^charset\b/.test(parameter));
  const plain = parameters.every((parameter) => /^[a-z0-9_.-]+="?[a-z0-9_.:/-]+"?$/.test(parameter));
  const known = charsets.every((parameter) => /^charset="?utf-?8"?$/.test(parameter));
  return { contentType: type, utf8: plain && known && new Set(names).size === names.length };
}

function readForm(text: string): JsonFact {
  const { values, repeated, doubts } = readQuery(text, "the form");
  return {
    value: values,
    doubts:
      repeated.length > 0 ? [...doubts, "the form gives a name twice, and servers take the first, the last or all"] : doubts,
  };
}
