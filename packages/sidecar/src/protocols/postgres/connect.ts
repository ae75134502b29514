import { connect as connectSocket, type Socket } from "node:net";
import type { Duplex } from "node:stream";
import { type ConnectionOptions, checkServerIdentity, connect as connectTls } from "node:tls";
import { CountersignError } from "@countersign/policy";
import pg from "pg";
import { serialize } from "pg-protocol";
import type { ParameterStatusMessage } from "pg-protocol/dist/messages.js";
import type { Secret } from "../../credentials/secret.ts";
import type { Address } from "./address.ts";
import type { FrameCaps } from "./codec.ts";
import { drifts, type Pins, startupOptions } from "./pins.ts";
import { ServerReads } from "./server-reads.ts";
import { Upstream } from "./upstream.ts";

/** Everything that a connection is made from. */
export interface ConnectOptions {
  readonly address: Address;
  readonly database: string;
  readonly user: string;
  /** Asked at every connect, so that a changed password is taken up. Absent = the login has a certificate only. */
  readonly password?: () => Promise<Secret>;
  /** Absent = no TLS. */
  readonly tls?: TlsTarget;
  readonly pins: Pins;
  /** Further settings of the session, which RESET leads back to. */
  readonly settings?: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
  readonly caps: FrameCaps;
}

/** Whom TLS has to find at the other end, and what it shows of itself. */
export interface TlsTarget {
  readonly serverName: string;
  /** PEM; absent = the system's authorities. */
  readonly ca?: string;
  /** What the login proves itself with, PEM. Asked at every connect. */
  readonly certificate?: () => Promise<{ readonly cert: string; readonly key: Secret }>;
}

/** Quiet time after which the network is asked whether the other side is still there, milliseconds. */
const keepAliveMs = 30_000;
/** How long a CancelRequest may take, milliseconds. */
const cancelTimeoutMs = 3000;

/**
 * Connects and authenticates with `pg` (TLS, SCRAM with its server's signature), then takes its socket over: from there on rows pass by undecoded.
 *
 * @throws whatever `pg` throws; see connectFailure.
 */
export async function connectUpstream(options: ConnectOptions): Promise<Upstream> {
  const { address, database, user, tls, pins, settings, password } = options;
  const secure = tls && (await tlsOptions(tls));
  // TLS brings memory of its own.
  const reads = secure ? undefined : new ServerReads();
  let weak = false;
  const client = new pg.Client({
    host: address.host,
    port: address.port,
    database,
    user,
    password: async () => {
      if (weak) throw weakAuthentication();
      if (!password) throw noPassword(user);
      return (await password()).reveal();
    },
    ssl: secure ?? false,
    // RFC 5929 `tls-server-end-point`: somebody in the middle with a certificate of his own gets no further (THREATS.md pg-upstream).
    enableChannelBinding: true,
    options: startupOptions({ ...pins, ...settings }),
    // Said here too, because `pg` would put what is in PGAPPNAME in its place.
    application_name: settings?.application_name ?? pins.application_name,
    connectionTimeoutMillis: options.timeoutMs,
    keepAlive: true,
    keepAliveInitialDelayMillis: keepAliveMs,
    ...(reads && { stream: () => reads.socket }),
  });
  // Without TLS anybody on the way could ask for the password itself, or for a hash that can be searched; SCRAM gives nothing away.
  for (const method of ["authenticationCleartextPassword", "authenticationMD5Password"]) {
    client.connection.prependListener(method, () => {
      weak = !tls;
    });
  }
  const statuses = new Map<string, string>();
  client.connection.on("parameterStatus", ({ parameterName, parameterValue }: ParameterStatusMessage) => {
    statuses.set(parameterName, parameterValue);
  });
  // From now on the upstream tells of a broken connection; `pg` must not throw it as an unhandled event.
  client.on("error", () => {});
  try {
    await client.connect();
  } catch (error) {
    client.connection.stream.destroy();
    throw error;
  } finally {
    forgetPassword(client);
  }
  const { stream } = client.connection;
  stream.removeAllListeners("data");
  const key = backendKey(client);
  return new Upstream(stream, {
    caps: options.caps,
    drifted: (name, value) => drifts(pins, name, value, user),
    cancel: () => sendCancel(options, key),
    ...{ statuses, processId: key.processId, reads },
  });
}

/** The options under which the server's certificate is checked for chain and name (`verify-full`). */
async function tlsOptions({ serverName, ca, certificate }: TlsTarget): Promise<ConnectionOptions> {
  const shown = await certificate?.();
  return {
    ...(ca === undefined ? {} : { ca }),
    ...(shown && { cert: shown.cert, key: shown.key.reveal() }),
    rejectUnauthorized: true,
    minVersion: "TLSv1.2",
    checkServerIdentity: (_host, certificate) => checkServerIdentity(serverName, certificate),
  };
}

function weakAuthentication(): CountersignError {
  const message =
    "The server asks for the password without SCRAM on a connection without TLS, so it was not sent. Set the role's password under password_encryption = 'scram-sha-256' and use scram-sha-256 in pg_hba.conf, or use TLS.";
  return new CountersignError("target_credentials", message);
}

function noPassword(user: string): CountersignError {
  const message = `The server asks for a password of the login ${user}, which is configured with a certificate only. Add \`password\`, or use \`cert\` in pg_hba.conf.`;
  return new CountersignError("target_credentials", message);
}

/** `pg` keeps the password for a reconnect that never happens here. */
function forgetPassword(client: pg.Client): void {
  for (const holder of [client, Reflect.get(client, "connectionParameters")]) {
    if (typeof holder === "object" && holder !== null)
      Object.defineProperty(holder, "password", { value: null, enumerable: false });
  }
}

/** BackendKeyData, which `pg` keeps in two undocumented properties. */
function backendKey(client: pg.Client): { processId: number; secret: number } {
  const [processId, secret] = [Reflect.get(client, "processID"), Reflect.get(client, "secretKey")];
  if (typeof processId !== "number" || typeof secret !== "number") throw new TypeError("The server gave no key to cancel with");
  return { processId, secret };
}

/** CancelRequest (§53.2.8) on a connection of its own, under the same TLS rules; ends when the server closes it, i.e. has taken it. */
async function sendCancel(options: ConnectOptions, key: { processId: number; secret: number }): Promise<void> {
  const { address, tls } = options;
  const secure = tls && (await tlsOptions(tls));
  const socket = address.unix
    ? connectSocket(`${address.host}/.s.PGSQL.${address.port}`)
    : connectSocket(address.port, address.host);
  socket.setTimeout(cancelTimeoutMs, () => socket.destroy(new Error("The cancel request was not taken in time")));
  try {
    await once(socket, "connect");
    const stream = secure ? await upgrade(socket, secure, address.host) : socket;
    stream.resume();
    const closed = once(stream, "close");
    stream.write(serialize.cancel(key.processId, key.secret));
    await closed;
  } finally {
    socket.destroy();
  }
}

async function upgrade(socket: Socket, tls: ConnectionOptions, host: string): Promise<Duplex> {
  socket.write(serialize.requestSsl());
  const answer = await once(socket, "data");
  if (!Buffer.isBuffer(answer) || answer.toString() !== "S")
    throw new Error("The server does not offer TLS for the cancel request");
  const secure = connectTls({ socket, host, ...tls });
  await once(secure, "secureConnect");
  return secure;
}

function once(stream: Duplex, event: string): Promise<unknown> {
  return new Promise((resolve, reject) => {
    stream.once(event, resolve);
    stream.once("error", reject);
  });
}
