import { once } from "node:events";
import { createServer, type Server, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { buildConnector } from "undici";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { EarlyConnection } from "./early-connection.ts";
import { SpareConnections } from "./spare-connections.ts";
import { addressOf } from "./target-socket.ts";

let server: Server;
let origin: string;
/** What the target has accepted. */
let accepted: Socket[];
let spares: SpareConnections;

beforeEach(async () => {
  accepted = [];
  server = createServer((socket) => accepted.push(socket.resume().on("error", () => {}))).listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new TypeError("no port");
  origin = `http://127.0.0.1:${address.port}`;
  spares = new SpareConnections({ origin, connect: buildConnector({}), handshakeMs: 1000 });
});

afterEach(() => {
  vi.useRealTimers();
  spares[Symbol.dispose]();
  for (const socket of accepted) socket.destroy();
  server.close();
});

function socketOf(connection: EarlyConnection): Promise<Socket> {
  const { promise, resolve, reject } = Promise.withResolvers<Socket>();
  connection.take(addressOf(origin), (error, socket) => (error === null ? resolve(socket) : reject(error)));
  return promise;
}

async function accepts(count: number): Promise<void> {
  while (accepted.length < count) await once(server, "connection");
}

test("what was expected is there when it is taken; the next one is another", async () => {
  spares.expect();
  await accepts(1);
  const first = await socketOf(spares.take());
  expect(first.localPort).toBe(accepted[0]?.remotePort);
  const second = await socketOf(spares.take());
  await accepts(2);
  expect(second.localPort).toBe(accepted[1]?.remotePort);
  first.destroy();
  second.destroy();
});

test("callers whose requests are not allowed leave a few of them, and not for long", async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  for (let n = 0; n < 10; n++) spares.expect();
  await accepts(4);
  await sleep(20);
  expect(accepted).toHaveLength(4);
  const closed = Promise.all(accepted.map((socket) => once(socket, "close")));
  vi.advanceTimersByTime(2000);
  await closed;
});

test("nothing stays open when the target is left", async () => {
  spares.expect();
  await accepts(1);
  spares[Symbol.dispose]();
  await Promise.all(accepted.map((socket) => once(socket, "close")));
});
