import { isIP, type Socket } from "node:net";
import { TLSSocket } from "node:tls";
import { CountersignError, type Principal } from "@countersign/policy";
import { certificatePrincipal } from "../../../identity/certificate-principal.ts";
import { claimsOf, type Tokens } from "../../../identity/tokens.ts";
import type { LoginAttempt } from "./login-attempt.ts";
import { authenticationCleartextPassword } from "./messages.ts";
import type { StartUpReader } from "./start-up-reader.ts";
import { protocolViolation, StartUpRefusal } from "./start-up-refusal.ts";

/** How clients of one listener prove who they are. */
export interface ProofOptions {
  readonly tokens: Pick<Tokens, "verify">;
  /** Whoever can open the Unix socket is this one. */
  readonly identity?: Principal;
  /** Whether it is a Unix socket. */
  readonly unix: boolean;
}

const passwordMessage = 0x70;
/** A token has at most 16 KiB. */
const mostPasswordBytes = 20 * 1024;

/**
 * Who the client is: by the socket, by its certificate, or by a token that it sends as its password. Only one of them is looked at, and one that
 * is bad ends the connection: nothing falls back to another.
 *
 * @param attempt is told what is tried.
 * @throws {StartUpRefusal} when it does not prove it. {ClientGone}.
 */
export async function prove(
  socket: Socket,
  reader: StartUpReader,
  { tokens, identity, unix }: ProofOptions,
  attempt: LoginAttempt,
): Promise<Principal> {
  if (identity !== undefined) {
    attempt.by("socket");
    return identity;
  }
  const leaf = socket instanceof TLSSocket ? socket.getPeerX509Certificate() : undefined;
  if (leaf !== undefined) {
    attempt.by("certificate");
    attempt.claims({ certificate: leaf.subject, fingerprint: leaf.fingerprint256 });
  }
  const shown = socket instanceof TLSSocket ? certificatePrincipal(socket, refusedCertificate) : undefined;
  if (shown !== undefined) return shown;
  // A listener without TLS is on this machine by its configuration; this is so that a mistake there sends no token over a network.
  if (!unix && !(socket instanceof TLSSocket) && !isLoopback(socket.remoteAddress)) throw noTls();
  socket.write(authenticationCleartextPassword);
  const token = await readPassword(reader);
  attempt.by("token");
  attempt.claims({ ...claimsOf(token) });
  try {
    return await tokens.verify(token);
  } catch (error) {
    throw error instanceof CountersignError ? wrongToken(error.message) : error;
  }
}

/** Refuses a token that would travel in the clear, before it is asked for. */
export function noTls(): StartUpRefusal {
  return new StartUpRefusal("28000", "this listener takes connections with TLS only", "Use sslmode=verify-full.");
}

/**
 * Reads a PasswordMessage, without its final zero.
 *
 * @throws {StartUpRefusal} {ClientGone}
 */
export async function readPassword(reader: StartUpReader): Promise<string> {
  const header = await reader.take(5);
  if (header[0] !== passwordMessage) throw protocolViolation(`expected password response, got message type ${header[0]}`);
  const size = header.readUInt32BE(1) - 4;
  if (size < 1 || size > mostPasswordBytes) throw protocolViolation("invalid password packet size");
  const body = await reader.take(size);
  if (body.indexOf(0) !== size - 1) throw protocolViolation("invalid password packet size");
  return body.toString("latin1", 0, size - 1);
}

function refusedCertificate(why: string, hint?: string): StartUpRefusal {
  return new StartUpRefusal("28000", why, hint);
}

function wrongToken(why: string): StartUpRefusal {
  const hint =
    "The password is the agent's token: PGPASSWORD=$TOKEN. In development `countersign token --subject NAME` makes one.";
  return new StartUpRefusal("28P01", why, hint);
}

function isLoopback(address = ""): boolean {
  const plain = address.replace(/^::ffff:/, "");
  return plain === "::1" || (isIP(plain) === 4 && plain.startsWith("127."));
}
