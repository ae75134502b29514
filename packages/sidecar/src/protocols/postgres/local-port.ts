import { timingSafeEqual } from "node:crypto";
import { once } from "node:events";
import { createServer, type Socket } from "node:net";
import { dial, type ListenerAddress } from "./entry/dial.ts";
import { authenticationCleartextPassword, cancelRequest, fatal, passwordMessage, startUpMessage } from "./entry/messages.ts";
import { openingOf } from "./entry/opening.ts";
import { readPassword } from "./entry/proof.ts";
import { ClientGone, StartUpReader } from "./entry/start-up-reader.ts";
import { StartUpRefusal } from "./entry/start-up-refusal.ts";

/** What a local port stands for. */
interface LocalPortOptions {
  readonly listener: ListenerAddress;
  readonly resource: string;
  readonly role: string;
  /** The agent's token; absent for a listener that needs none. */
  readonly token?: string;
  /** What local clients must send: without it everybody on this machine would be the agent. */
  readonly password: string;
  /** 0 = any that is free. */
  readonly port: number;
}

/** An open port on 127.0.0.1 whose clients are the agent. */
interface LocalPort extends AsyncDisposable {
  readonly port: number;
}

const startUpMs = 30_000;

/**
 * Opens a port on 127.0.0.1 for tools that cannot send a token: they log in with a password of its own, and are led to one resource and role.
 *
 * @throws {Error} when the port is taken.
 */
export async function openLocalPort(options: LocalPortOptions): Promise<LocalPort> {
  const open = new Set<Socket>();
  const taken = (client: Socket): void => {
    open.add(client);
    client.on("error", () => {});
    client.once("close", () => open.delete(client));
    void lead(client, options);
  };
  const server = createServer({ noDelay: true, keepAlive: true }, taken);
  const listening = once(server, "listening");
  server.listen(options.port, "127.0.0.1");
  await listening;
  const address = server.address();
  return {
    port: typeof address === "object" && address !== null ? address.port : options.port,
    async [Symbol.asyncDispose]() {
      server.close();
      for (const client of open) client.destroy();
    },
  };
}

/** Goes with a client through start-up, then every byte passes. Never rejects. */
async function lead(client: Socket, options: LocalPortOptions): Promise<void> {
  const signal = AbortSignal.timeout(startUpMs);
  let upstream: Socket | undefined;
  try {
    const { reader, packet } = await openingOf(client, undefined, signal, () => {});
    upstream = await dial(options.listener, signal);
    join(client, upstream);
    if (packet.type === "cancel") {
      upstream.end(cancelRequest(packet.processId, packet.secret));
      return;
    }
    const { resource: database, role: user } = options;
    upstream.write(startUpMessage(packet.minor, new Map([...packet.parameters, ["user", user], ["database", database]])));
    const answer = await authenticationOf(new StartUpReader(upstream, signal), client);
    await checkPassword(client, reader, options.password);
    if (answer.readUInt32BE(5) === wantsPassword) upstream.write(passwordMessage(tokenOf(options)));
    else client.write(answer);
    client.pipe(upstream);
    upstream.pipe(client);
  } catch (error) {
    upstream?.destroy();
    if (error instanceof StartUpRefusal) client.end(fatal(error));
    else if (error instanceof ClientGone) client.destroy();
    else client.end(fatal(notReached));
  }
}

const notReached = new StartUpRefusal("08001", "the sidecar cannot be reached", "Is `countersign up` running?");
/** AuthenticationCleartextPassword (§53.7). */
const wantsPassword = 3;

/** One ends with the other. */
function join(client: Socket, upstream: Socket): void {
  upstream.on("error", () => {});
  client.once("close", () => upstream.destroy());
  upstream.once("close", () => client.end());
}

/** The listener's first authentication message; what comes before it is the client's to hear, a refusal too. */
async function authenticationOf(reader: StartUpReader, client: Socket): Promise<Buffer> {
  for (;;) {
    const header = await reader.take(5);
    const message = Buffer.concat([header, await reader.take(header.readUInt32BE(1) - 4)]);
    if (header[0] === 0x52) return message;
    client.write(message);
  }
}

/** Asked for even when the listener asks for nothing. */
async function checkPassword(client: Socket, reader: StartUpReader, password: string): Promise<void> {
  client.write(authenticationCleartextPassword);
  const [given, expected] = [Buffer.from(await readPassword(reader), "latin1"), Buffer.from(password)];
  if (given.length === expected.length && timingSafeEqual(given, expected)) return;
  throw new StartUpRefusal(
    "28P01",
    "password authentication failed",
    "Use the connection string that `countersign connect` prints.",
  );
}

function tokenOf({ token }: LocalPortOptions): string {
  if (token !== undefined) return token;
  throw new StartUpRefusal("28000", "the sidecar asks for a token", "Set COUNTERSIGN_TOKEN for `countersign connect`.");
}
