import type { IncomingMessage } from "node:http";
import { CountersignError } from "@countersign/policy";
import type { Field } from "../fields.ts";

/** What a client asks for when it opens a WebSocket (RFC 6455 §4.1). */
export interface Handshake {
  /** The subprotocols that it offers, the one that it likes best first. */
  readonly protocols: readonly string[];
}

/** A token (RFC 9110 §5.6.2), and the slash that kubectl writes in `SPDY/3.1+portforward.k8s.io`. */
const token = /^[!#$%&'*+./^_`|~0-9A-Za-z-]{1,200}$/;
const mostProtocols = 20;

/** Between the client and us, made anew for the target. */
const ours = new Set(["upgrade", "connection", "sec-websocket-key", "sec-websocket-version", "sec-websocket-extensions"]);
/** These say that a body follows, or that something is expected first: with a WebSocket they have two readings. */
const never = ["content-length", "transfer-encoding", "expect", "te", "trailer"];

/** Whether a client asks for a WebSocket, in whatever form. */
export function asksForWebSocket({ headers: { upgrade = "" } }: Pick<IncomingMessage, "headers">): boolean {
  return /(?:^|[\s,])websocket(?:$|[\s,/])/i.test(upgrade);
}

/**
 * Reads the opening handshake of a client. Extensions that it offers are not taken, as what is compressed is not seen.
 *
 * @param early what it has sent after its request: it has to wait for the answer, so that this would be read by nobody, or as something else.
 * @throws {CountersignError} `invalid_request` for everything that does not have one reading.
 */
export function readHandshake(
  { method, httpVersion }: Pick<IncomingMessage, "method" | "httpVersion">,
  fields: readonly Field[],
  early: Buffer,
): Handshake {
  const valuesOf = (name: string) => fields.filter(([given]) => given.toLowerCase() === name).map(([, value]) => value.trim());
  const single = (name: string) => {
    const [value, second] = valuesOf(name);
    if (value === undefined || second !== undefined) throw refused(`it has ${second === undefined ? "no" : "two"} ${name}`);
    return value;
  };
  if (method !== "GET" || httpVersion !== "1.1") throw refused("it is no GET of HTTP/1.1");
  if (single("upgrade").toLowerCase() !== "websocket") throw refused("Upgrade says something besides websocket");
  const options = single("connection")
    .split(",")
    .map((one) => one.trim().toLowerCase());
  if (!options.includes("upgrade") || options.some((one) => one !== "upgrade" && one !== "keep-alive"))
    throw refused("Connection says something else than Upgrade");
  if (single("sec-websocket-version") !== "13") throw refused("its version is not 13");
  const key = single("sec-websocket-key");
  const bytes = Buffer.from(key, "base64");
  if (bytes.length !== 16 || bytes.toString("base64") !== key) throw refused("Sec-WebSocket-Key is not 16 bytes of base64");
  const field = never.find((name) => valuesOf(name).length > 0);
  if (field !== undefined) throw refused(`it has ${field}`);
  const other = fields.find(([name]) => /^sec-websocket-(?!key$|version$|extensions$|protocol$)/i.test(name));
  if (other !== undefined) throw refused(`it has ${other[0].slice(0, 100)}`);
  if (early.length > 0) throw new CountersignError("invalid_request", spokeTooEarly);
  return { protocols: protocolsOf(valuesOf("sec-websocket-protocol")) };
}

/** What a client hears that did not wait for the answer. */
export const spokeTooEarly =
  "Bytes came before the WebSocket was open (RFC 6455 §4.1): wait for the answer before you send anything.";

/** The fields of a handshake that are not about how client and listener talk: they go on to the target, and are approved. */
export function boundFields(fields: readonly Field[], protocols: readonly string[]): readonly Field[] {
  const bound = fields.filter(([given]) => !ours.has(given.toLowerCase()) && given.toLowerCase() !== "sec-websocket-protocol");
  const spoken: readonly Field[] = protocols.length === 0 ? [] : [["Sec-WebSocket-Protocol", protocols.join(", ")]];
  return [["Upgrade", "websocket"], ...spoken, ...bound];
}

/** The subprotocols that an operation names. */
export function protocolsOf(values: readonly string[]): readonly string[] {
  const protocols = values.flatMap((value) => value.split(",").map((one) => one.trim()));
  if (protocols.length > mostProtocols || new Set(protocols).size < protocols.length)
    throw refused("Sec-WebSocket-Protocol names one twice, or too many");
  if (!protocols.every((one) => token.test(one))) throw refused("Sec-WebSocket-Protocol is no list of names");
  return protocols;
}

function refused(why: string): CountersignError {
  return new CountersignError(
    "invalid_request",
    `This is no opening of a WebSocket as every server reads it (RFC 6455 §4.1): ${why}.`,
  );
}
