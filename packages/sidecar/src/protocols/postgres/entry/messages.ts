import { cancelCode } from "./start-up-packet.ts";
import type { StartUpRefusal } from "./start-up-refusal.ts";

/** One message of the server (§53.7): its type, its length, its body. */
function message(type: string, ...body: readonly (Buffer | string)[]): Buffer {
  const parts = body.map((part) => (typeof part === "string" ? Buffer.from(`${part}\0`) : part));
  const length = parts.reduce((sum, part) => sum + part.length, 4);
  const header = Buffer.alloc(5);
  header.write(type, 0, "latin1");
  header.writeUInt32BE(length, 1);
  return Buffer.concat([header, ...parts]);
}

/** A message without a type. */
function packet(...body: readonly Buffer[]): Buffer {
  const rest = Buffer.concat(body);
  return Buffer.concat([int32(rest.length + 4), rest]);
}

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

/** The newest protocol that is spoken: 3.2. */
export const newestMinor = 2;

/** Asks for the password as it is. */
export const authenticationCleartextPassword = message("R", int32(3));
/** The client is who it says. */
export const authenticationOk = message("R", int32(0));
/** No statement runs, no transaction is open. */
export const readyForQuery = message("Z", Buffer.from("I"));

/** Tells a client that asked for more which protocol is spoken (3.`minor`), and which extensions it will not get. */
export function negotiateProtocolVersion(minor: number, unknownExtensions: readonly string[]): Buffer {
  return message("v", int32((3 << 16) | minor), int32(unknownExtensions.length), ...unknownExtensions);
}

/** A reported setting. */
export function parameterStatus(name: string, value: string): Buffer {
  return message("S", name, value);
}

/** What the client cancels with. */
export function backendKeyData(processId: number, secret: Buffer): Buffer {
  return message("K", int32(processId), secret);
}

/** What a client begins with: no type byte. */
export function startUpMessage(minor: number, parameters: ReadonlyMap<string, string>): Buffer {
  const pairs = [...parameters].flat().map((part) => `${part}\0`);
  return packet(int32((3 << 16) | minor), Buffer.from(`${pairs.join("")}\0`));
}

/** What a client cancels with. */
export function cancelRequest(processId: number, secret: Buffer): Buffer {
  return packet(int32(cancelCode), int32(processId), secret);
}

/** A client's answer to a request for its password. */
export function passwordMessage(password: string): Buffer {
  return message("p", password);
}

/** The last that a client hears. Zero bytes would end a field early. */
export function fatal({ sqlState, message: text, hint }: Pick<StartUpRefusal, "sqlState" | "message" | "hint">): Buffer {
  const clean = (value: string): string => value.replaceAll("\0", "");
  const fields = ["SFATAL", "VFATAL", `C${sqlState}`, `M${clean(text)}`, ...(hint ? [`H${clean(hint)}`] : [])];
  return message("E", ...fields, Buffer.alloc(1));
}
