import { isCredential } from "../../operation/credential.ts";
import { refused, tooLarge } from "./refusal.ts";

/** The headers of a request. */
export interface Headers {
  /** By lower-case name, values in the order sent. A credential is listed without its value: facts are shown and stored. */
  readonly values: Readonly<Record<string, readonly string[]>>;
  /** What some servers would read in another way, in words. */
  readonly doubts: readonly string[];
}

const maxHeaders = 200;
const maxBytes = 32 * 1024;

/** RFC 9110 §5.6.2 permits more, but CGI, WSGI and PHP make one name of `a-b`, `a_b` and `a.b`. */
const headerName = /^[A-Za-z0-9-]+$/;
/** RFC 9110 §5.5 without obs-text, whose encoding nobody knows. */
const headerValue = /^[\t -~]*$/;

/** RFC 9110: not lists, so that servers choose one if there are two. */
const singletons: ReadonlySet<string> = new Set(
  `authorization content-encoding content-length content-location content-range content-type date destination etag expect from host
  if-modified-since if-range if-unmodified-since location max-forwards origin proxy-authorization range referer transfer-encoding upgrade
  user-agent`.split(/\s+/),
);

/** Lists (RFC 9110 §5.6.1): several lines are one list to every server. */
const lists: ReadonlySet<string> = new Set(
  `accept accept-charset accept-encoding accept-language access-control-request-headers cache-control connection content-language
  if-match if-none-match link prefer sec-websocket-extensions sec-websocket-protocol te via want-digest`.split(/\s+/),
);

/** Headers that make a server treat the request as another one. */
const overriding: ReadonlyMap<string, string> = new Map([
  ["x-original-url", "it replaces the path at some servers. Send the path that is meant"],
  ["x-rewrite-url", "it replaces the path at some servers. Send the path that is meant"],
  ["x-http-method-override", "it replaces the method. Send the method that is meant"],
  ["x-http-method", "it replaces the method. Send the method that is meant"],
  ["x-method-override", "it replaces the method. Send the method that is meant"],
  ["proxy", "CGI programs take it for their proxy setting. Leave it out"],
  ["trailer", "trailing headers would not be seen. Send them as headers"],
  ["http2-settings", "it changes the protocol. Leave it out"],
]);

/** Headers in which a proxy tells the server about its client. */
const forwarded = /^(?:forwarded|x-forwarded-.*|x-original-.*|x-real-ip|x-client-ip|x-host|true-client-ip|cf-connecting-ip|via)$/;

/** What `Connection` may say; anything else would take a header away after the decision (RFC 9110 §7.6.1). */
const connectionOptions: ReadonlySet<string> = new Set(["close", "keep-alive", "upgrade"]);

/**
 * Checks the headers of a request and reads them by name.
 *
 * @param bodyBytes - The length of the body that is sent.
 * @throws {CountersignError} `invalid_operation` for what splits or moves the request's boundaries, doubles what must be single, or makes a
 * server take the request for another one; `operation_too_large` above 200 headers or 32 KiB.
 */
export function readHeaders(sent: readonly (readonly [name: string, value: string])[], bodyBytes: number): Headers {
  if (sent.length > maxHeaders) throw tooLarge(`There are more than ${maxHeaders} headers.`);
  const values = new Map<string, string[]>();
  const doubts = new Set<string>();
  let bytes = 0;
  for (const [name, raw] of sent) {
    const value = check(name, raw);
    const key = name.toLowerCase();
    bytes += key.length + value.length;
    const before = values.get(key);
    if (before && singletons.has(key)) throw refused(`The header ${key} is given twice. Send it once.`);
    if (before && !lists.has(key) && !before.includes(value))
      doubts.add(`the header ${key} is given twice with different values`);
    if (forwarded.test(key)) doubts.add(`the header ${key} speaks for another client or host`);
    if (isCredential(key, value)) doubts.add(`the header ${key} brings a credential of the caller's own`);
    if (before) before.push(value);
    else values.set(key, [value]);
  }
  if (bytes > maxBytes) throw tooLarge(`The headers are larger than ${maxBytes} bytes together.`);
  checkFraming(values, bodyBytes);
  const shown = [...values].map(
    ([name, list]) => [name, Object.freeze(list.filter((value) => !isCredential(name, value)))] as const,
  );
  return { values: Object.freeze(Object.fromEntries(shown)), doubts: [...doubts] };
}

/** The value without the white space around it, which is not part of it (RFC 9110 §5.5). */
function check(name: string, value: string): string {
  if (name.length > 200 || !headerName.test(name)) {
    throw refused(
      "A header's name holds something else than letters, digits and dashes (servers make one of a-b and a_b). Rename it.",
    );
  }
  const overrides = overriding.get(name.toLowerCase());
  if (overrides !== undefined) throw refused(`The header ${name} is not taken: ${overrides}.`);
  if (/[\r\n]/.test(value))
    throw refused(`The header ${name} holds a line break (obsolete folding, RFC 9112 §5.2). Write one line.`);
  if (!headerValue.test(value)) throw refused(`The header ${name} holds a control character or one that is not ASCII.`);
  return value.replace(/^[\t ]+|[\t ]+$/g, "");
}

/** What decides where the request ends (RFC 9112 §6) must have one reading and agree with the body. */
function checkFraming(values: ReadonlyMap<string, readonly string[]>, bodyBytes: number): void {
  const [length] = values.get("content-length") ?? [];
  const [coding] = values.get("transfer-encoding") ?? [];
  const [expected] = values.get("expect") ?? [];
  if (length !== undefined && coding !== undefined)
    throw refused(
      "Both Content-Length and Transfer-Encoding are given: servers disagree on where the request ends. Leave both out.",
    );
  if (length !== undefined && length !== String(bodyBytes))
    throw refused(`Content-Length does not say ${bodyBytes}, the length of the body. Leave it out.`);
  if (coding !== undefined && coding !== "chunked")
    throw refused("Transfer-Encoding is something else than chunked. Leave it out.");
  if (expected !== undefined && expected !== "100-continue")
    throw refused("Expect is something else than 100-continue. Leave it out.");
  for (const list of values.get("connection") ?? []) {
    for (const option of list.split(",").map((one) => one.trim().toLowerCase())) {
      if (!connectionOptions.has(option))
        throw refused(
          "Connection names something else than close, keep-alive or upgrade: it would take headers away. Leave it out.",
        );
    }
  }
  if ((values.get("te") ?? []).some((te) => te.toLowerCase() !== "trailers"))
    throw refused("TE is something else than trailers. Leave it out.");
}
