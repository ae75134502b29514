import { once } from "node:events";
import { connect } from "node:net";
import { int32, startup } from "../postgres-wire/messages.ts";
import type { Door } from "../postgres-wire/psql.ts";
import { RawClient } from "../postgres-wire/raw-client.ts";

/** A client that has kept its cancel key. */
export interface KeyedClient {
  readonly client: RawClient;
  /** Sends a CancelRequest; with `off` another key than its own. */
  cancel(off?: number): Promise<void>;
}

/** Opens a client at a Unix socket that asks for no password. */
export async function openKeyed(door: Door): Promise<KeyedClient> {
  const client = RawClient.bare(door);
  client.write(startup({ user: door.user, database: door.database }));
  await client.ready();
  const { body } = await client.until(({ type }) => type === "K");
  return {
    client,
    async cancel(off = 0) {
      const key = Buffer.from(body);
      key.writeUInt32BE((key.readUInt32BE(4) + off) >>> 0, 4);
      const socket = connect(`${door.host}/.s.PGSQL.${door.port}`);
      socket.on("error", () => {});
      socket.resume();
      socket.write(Buffer.concat([int32(8 + key.length), int32(80877102), key]));
      await once(socket, "close");
    },
  };
}
