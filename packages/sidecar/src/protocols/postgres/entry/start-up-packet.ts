import { protocolViolation } from "./start-up-refusal.ts";

/** What a client may send before it is let in (§53.7): packets without a type byte. */
export type StartUpPacket =
  | { readonly type: "tls" }
  | { readonly type: "gss" }
  | { readonly type: "cancel"; readonly processId: number; readonly secret: Buffer }
  | { readonly type: "startUp"; readonly minor: number; readonly parameters: ReadonlyMap<string, string> };

/** As PostgreSQL's MAX_STARTUP_PACKET_LENGTH, bytes. */
const mostPacketBytes = 10_000;
/** The length and the code. */
const headerBytes = 8;

/** The code of a CancelRequest. */
export const cancelCode = 80877102;
const tlsCode = 80877103;
const gssCode = 80877104;
/** §53.2.8: from four bytes (protocol 3.0) to 256. */
const leastSecretBytes = 4;
const mostSecretBytes = 256;

/**
 * The whole length of a packet that begins with these four bytes.
 *
 * @throws {StartUpRefusal} for a length that no packet has.
 */
export function packetLength(header: Buffer): number {
  const length = header.readUInt32BE(0);
  if (length < headerBytes || length > mostPacketBytes) throw protocolViolation("invalid length of startup packet");
  return length;
}

/**
 * Reads a whole packet, its length included.
 *
 * @throws {StartUpRefusal} for another protocol version than 3, and for a layout that is not the protocol's.
 */
export function parsePacket(packet: Buffer): StartUpPacket {
  const code = packet.readUInt32BE(4);
  const rest = packet.subarray(headerBytes);
  if (code === tlsCode || code === gssCode) {
    if (rest.length > 0) throw protocolViolation("invalid startup packet layout: an encryption request has no content");
    return { type: code === tlsCode ? "tls" : "gss" };
  }
  if (code === cancelCode) return parseCancel(rest);
  const [major, minor] = [code >>> 16, code & 0xffff];
  if (major !== 3) {
    throw protocolViolation(`unsupported frontend protocol ${major}.${minor}: server supports 3.0 to 3.2`);
  }
  return { type: "startUp", minor, parameters: parseParameters(rest) };
}

function parseCancel(rest: Buffer): StartUpPacket {
  const secret = rest.subarray(4);
  if (secret.length < leastSecretBytes || secret.length > mostSecretBytes)
    throw protocolViolation("invalid length of cancel request packet");
  return { type: "cancel", processId: rest.readUInt32BE(0), secret };
}

/** Pairs of zero-terminated strings, ended by one more zero, which is the last byte. */
function parseParameters(rest: Buffer): ReadonlyMap<string, string> {
  const parameters = new Map<string, string>();
  let offset = 0;
  const next = (): string => {
    const end = rest.indexOf(0, offset);
    if (end === -1) throw protocolViolation("invalid startup packet layout: expected terminator as last byte");
    const text = decode(rest.subarray(offset, end));
    offset = end + 1;
    return text;
  };
  for (let name = next(); name !== ""; name = next()) {
    // Servers differ in which of two counts; nothing may be read differently here and there.
    if (parameters.has(name)) throw protocolViolation(`startup parameter ${JSON.stringify(name)} was sent twice`);
    parameters.set(name, next());
  }
  if (offset !== rest.length) throw protocolViolation("invalid startup packet layout: expected terminator as last byte");
  return parameters;
}

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

function decode(bytes: Buffer): string {
  try {
    return utf8.decode(bytes);
  } catch {
    throw protocolViolation("startup parameters must be UTF-8");
  }
}
