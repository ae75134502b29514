import { once } from "node:events";
import { createServer, type Server, type Socket } from "node:net";
import { buildConnector } from "undici";
import { afterEach, beforeEach, expect, test } from "vitest";
import { EarlyConnection } from "./early-connection.ts";
import { addressOf } from "./target-socket.ts";

let server: Server;
let origin: string;
/** What the target has accepted. */
let accepted: Socket[];

beforeEach(async () => {
  accepted = [];
  server = createServer((socket) => accepted.push(socket.on("error", () => {}))).listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new TypeError("no port");
  origin = `http://127.0.0.1:${address.port}`;
});

afterEach(() => {
  for (const socket of accepted) socket.destroy();
  server.close();
});

const connect = buildConnector({});

function early(): EarlyConnection {
  return new EarlyConnection({ origin, connect, handshakeMs: 1000 });
}

function taken(connection: EarlyConnection): Promise<Socket> {
  const { promise, resolve, reject } = Promise.withResolvers<Socket>();
  connection.take(addressOf(origin), (error, socket) => (error === null ? resolve(socket) : reject(error)));
  return promise;
}

async function accepts(count: number): Promise<void> {
  while (accepted.length < count) await once(server, "connection");
}

test("is made before it is asked for, and given once", async () => {
  const connection = early();
  await accepts(1);
  const first = await taken(connection);
  const second = await taken(connection);
  await accepts(2);
  expect(first).not.toBe(second);
  expect(first.localPort).toBe(accepted[0]?.remotePort);
  first.destroy();
  second.destroy();
});

test("is closed when nobody wanted it, and not when somebody has it", async () => {
  const unwanted = early();
  await accepts(1);
  unwanted[Symbol.dispose]();
  const [socket] = accepted;
  if (socket === undefined) throw new TypeError("not accepted");
  await once(socket.resume(), "close");

  const wanted = early();
  const own = await taken(wanted);
  wanted[Symbol.dispose]();
  own.write("still here");
  await accepts(2);
  expect(String((await once(accepted[1] ?? socket, "data"))[0])).toBe("still here");
  own.destroy();
});

test.each(["end", "resetAndDestroy"] as const)("another is made for one that the target has left by %s", async (leave) => {
  const connection = early();
  await accepts(1);
  accepted[0]?.[leave]();
  await new Promise((resolve) => setTimeout(resolve, 100));
  const socket = await taken(connection);
  await accepts(2);
  expect(socket.localPort).toBe(accepted[1]?.remotePort);
  socket.destroy();
});

test("what could not be made is tried again when it is wanted, and why it fails is said then", async () => {
  server.close();
  await expect(taken(early())).rejects.toMatchObject({ code: "ECONNREFUSED" });
});
