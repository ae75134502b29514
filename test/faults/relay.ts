import { once } from "node:events";
import { createConnection, createServer, type Socket } from "node:net";

/** A way to a database that breaks when it is told to. */
export interface Relay {
  readonly port: number;
  /** Lets everything pass. */
  open(): void;
  /** Breaks for good, before or after the next COMMIT has arrived; nobody gets through until it is opened again. */
  breakAtCommit(when: "before" | "after"): void;
  close(): Promise<void>;
}

/** Relays to a port of this machine. */
export async function startRelay(port: number): Promise<Relay> {
  let breaks: "before" | "after" | undefined;
  let isBroken = false;
  const sockets = new Set<Socket>();
  const cutAll = () => {
    isBroken = true;
    for (const socket of sockets) socket.destroy();
  };
  const own = (socket: Socket, other: () => Socket) => {
    sockets.add(socket);
    socket.on("error", () => socket.destroy());
    socket.on("close", () => {
      sockets.delete(socket);
      other().destroy();
    });
  };
  const server = createServer((client) => {
    if (isBroken) {
      client.on("error", () => {});
      client.destroy();
      return;
    }
    const upstream = createConnection(port, "127.0.0.1");
    own(client, () => upstream);
    own(upstream, () => client);
    let isCommitting = false;
    upstream.on("data", (data) => {
      if (isCommitting) cutAll();
      else client.write(data);
    });
    client.on("data", (data) => {
      isCommitting ||= breaks !== undefined && data.includes("commit\0");
      if (isCommitting && breaks === "before") cutAll();
      else upstream.write(data);
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (typeof address !== "object" || address === null) throw new Error("The relay has no port");
  return {
    port: address.port,
    open() {
      breaks = undefined;
      isBroken = false;
    },
    breakAtCommit(when) {
      breaks = when;
    },
    async close() {
      cutAll();
      server.close();
      await once(server, "close");
    },
  };
}
