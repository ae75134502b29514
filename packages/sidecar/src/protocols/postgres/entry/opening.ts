import type { Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import { alpn, type Handshakes } from "./handshakes.ts";
import { noTls } from "./proof.ts";
import { packetLength, parsePacket, type StartUpPacket } from "./start-up-packet.ts";
import { ClientGone, StartUpReader } from "./start-up-reader.ts";
import { protocolViolation, StartUpRefusal } from "./start-up-refusal.ts";

/** What a client wants, and the stream on which it said so: the socket, or TLS on it. */
export interface Opening {
  readonly socket: Socket;
  readonly reader: StartUpReader;
  readonly packet: Extract<StartUpPacket, { type: "startUp" | "cancel" }>;
}

/** The first byte of a TLS record that begins a handshake (RFC 8446 §5.1); no start-up packet is that long. */
const tlsRecord = 0x16;
const yes = Buffer.from("S");
const no = Buffer.from("N");

/**
 * Goes with a client from its first byte to its StartupMessage or CancelRequest: encryption requests are answered (§53.2.9, §53.2.10), direct TLS
 * is taken.
 *
 * @param opened told of the stream as soon as it is another one, so that a refusal goes where the client reads.
 * @throws {StartUpRefusal} {ClientGone}
 */
export async function openingOf(
  socket: Socket,
  handshakes: Handshakes | undefined,
  signal: AbortSignal,
  opened: (socket: Socket) => void,
): Promise<Opening> {
  const asked = new Set<StartUpPacket["type"]>();
  let stream = socket;
  let reader = new StartUpReader(socket, signal);
  const secure = async (): Promise<TLSSocket> => {
    if (handshakes === undefined) throw new ClientGone();
    const secured = await handshakes.secure(socket, signal);
    stream = secured;
    reader = new StartUpReader(secured, signal);
    opened(secured);
    return secured;
  };
  for (;;) {
    const first = await reader.take(1);
    if (first[0] === tlsRecord && stream === socket && asked.size === 0) {
      socket.unshift(first);
      requireAlpn(await secure());
      continue;
    }
    const packet = await readPacket(first, reader);
    if (packet.type === "startUp" || packet.type === "cancel") {
      // A CancelRequest says nothing secret but its key, and older clients cannot encrypt it.
      if (packet.type === "startUp" && handshakes !== undefined && stream === socket) throw noTls();
      return { socket: stream, reader, packet };
    }
    if (asked.has(packet.type) || stream !== socket) throw protocolViolation("encryption was asked for twice");
    asked.add(packet.type);
    const accepted = packet.type === "tls" && handshakes !== undefined;
    // Somebody in the middle could have put it there, to be taken for the client's own words inside TLS (CVE-2021-23214).
    if (reader.isAhead) throw plaintextAhead(packet.type);
    socket.write(accepted ? yes : no);
    if (accepted) await secure();
  }
}

async function readPacket(first: Buffer, reader: StartUpReader): Promise<StartUpPacket> {
  const header = Buffer.concat([first, await reader.take(3)]);
  const rest = await reader.take(packetLength(header) - header.length);
  return parsePacket(Buffer.concat([header, rest]));
}

/** Direct TLS is for those who say that they mean PostgreSQL (§53.2.9). */
function requireAlpn(secured: TLSSocket): void {
  if (secured.alpnProtocol === alpn) return;
  throw protocolViolation("received direct SSL connection request without ALPN protocol negotiation extension");
}

function plaintextAhead(type: "tls" | "gss"): StartUpRefusal {
  const what = type === "tls" ? "SSL" : "GSSAPI encryption";
  const hint = "This could be either a client-software bug or evidence of an attempted man-in-the-middle attack.";
  return new StartUpRefusal("08P01", `received unencrypted data after ${what} request`, hint);
}
