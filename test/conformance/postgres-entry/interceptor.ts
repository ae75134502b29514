import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { connect as connectTls, TLSSocket } from "node:tls";
import type { TestCertificate } from "../../harness/certificate.ts";
import { packets } from "./raw.ts";

/** Somebody between us and a server who ends TLS on both sides. */
export interface Interceptor extends AsyncDisposable {
  readonly port: number;
  /** How many connections got as far as TLS with it. */
  readonly intercepted: number;
}

/** Starts one that shows its own certificate and changes what the server says. */
export async function startInterceptor(
  port: number,
  { certificate: cert, key }: TestCertificate,
  change: (fromServer: Buffer) => Buffer,
): Promise<Interceptor> {
  let intercepted = 0;
  const sockets = new Set<Socket>();
  const intercept = async (client: Socket): Promise<void> => {
    await once(client, "data");
    client.write("S");
    const inner = new TLSSocket(client, { isServer: true, cert, key });
    const upstream = connect(port, "127.0.0.1");
    sockets.add(upstream);
    upstream.write(packets.tls);
    await once(upstream, "data");
    const outer = connectTls({ socket: upstream, rejectUnauthorized: false });
    for (const socket of [client, inner, upstream, outer]) {
      socket.on("error", () => {});
      socket.on("close", () => [inner, outer].map((one) => one.destroy()));
    }
    intercepted++;
    inner.on("data", (data: Buffer) => outer.write(data));
    outer.on("data", (data: Buffer) => inner.write(change(data)));
  };
  const server = createServer((client) => {
    sockets.add(client);
    void intercept(client);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return {
    port: address.port,
    get intercepted() {
      return intercepted;
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}

/** Takes SCRAM-SHA-256-PLUS out of the methods that a server offers. */
export function withoutBinding(bytes: Buffer): Buffer {
  const offered = Buffer.from("SCRAM-SHA-256-PLUS\0");
  const at = bytes.indexOf(offered);
  if (at === -1) return bytes;
  const changed = Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + offered.length)]);
  changed.writeUInt32BE(bytes.readUInt32BE(1) - offered.length, 1);
  return changed;
}
