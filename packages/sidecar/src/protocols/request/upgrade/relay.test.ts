import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { afterEach, expect, test } from "vitest";
import { WebSocket, WebSocketServer } from "ws";
import { Stop } from "../../stop.ts";
import { stopFailures } from "../failure.ts";
import { type Relayed, relay, socketOptions } from "./relay.ts";

const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

/** Two real connections, of which the relay has one end each. */
async function pair(): Promise<{ readonly near: WebSocket; readonly far: WebSocket }> {
  const server = new WebSocketServer({ ...socketOptions, port: 0, host: "127.0.0.1" });
  await once(server, "listening");
  const far = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`, socketOptions);
  const [near] = (await once(server, "connection")) as [WebSocket];
  near.pause();
  await once(far, "open");
  closers.push(() => {
    for (const one of [near, far]) one.terminate();
    server.close();
  });
  return { near, far };
}

interface Running {
  readonly client: WebSocket;
  readonly target: WebSocket;
  readonly ended: Promise<Relayed>;
  readonly abort: AbortController;
}

async function relayed(more: { bytes?: number; idleMs?: number; hide?: (data: Buffer) => Buffer } = {}): Promise<Running> {
  const [{ near: clientEnd, far: client }, { near: targetEnd, far: target }] = await Promise.all([pair(), pair()]);
  const abort = new AbortController();
  const { bytes, idleMs = 10_000, hide = (data: Buffer) => data } = more;
  const ended = relay({ client: clientEnd, target: targetEnd, stop: new Stop(abort.signal, stopFailures), bytes, idleMs, hide });
  return { client, target, ended, abort };
}

const closed = async (socket: WebSocket) => {
  const [code, reason] = await once(socket, "close");
  return { code, reason: String(reason) };
};

test("messages, pings and closing pass, and both directions are counted", async () => {
  const { client, target, ended } = await relayed();
  client.send("hello");
  expect(String((await once(target, "message"))[0])).toBe("hello");
  target.send(Buffer.alloc(100_000, 7));
  expect((await once(client, "message"))[0]).toEqual(Buffer.alloc(100_000, 7));
  const pinged = once(target, "ping");
  client.ping("p");
  expect(String((await pinged)[0])).toBe("p");
  const end = closed(client);
  target.close(3000, "done");
  expect(await end).toEqual({ code: 3000, reason: "done" });
  expect(await ended).toEqual({ bytes: 100_006 });
});

test("a slow client holds the target up, and what waits is bounded", async () => {
  const { client, target, ended, abort } = await relayed();
  client.pause();
  let sent = 0;
  const part = Buffer.alloc(64 * 1024);
  let isStuck = false;
  // As long as the target's own socket takes it.
  while (!isStuck && sent < 200 * 1024 * 1024) {
    const taken = new Promise<boolean>((resolve) => {
      const timer = setTimeout(() => resolve(false), 150);
      target.send(part, () => {
        clearTimeout(timer);
        resolve(true);
      });
    });
    isStuck = !(await taken);
    sent += part.length;
  }
  expect([isStuck, sent < 64 * 1024 * 1024]).toEqual([true, true]);
  let heard = 0;
  client.on("message", (data: Buffer) => (heard += data.length));
  client.resume();
  await expect.poll(() => heard, { timeout: 20_000 }).toBe(sent);
  abort.abort();
  expect((await ended).bytes).toBe(sent);
});

test("a flood of pings that nobody reads fills no memory", async () => {
  const { client, target, ended, abort } = await relayed();
  target.pause();
  const before = process.memoryUsage().arrayBuffers;
  const body = Buffer.alloc(125);
  const flood = setInterval(() => {
    for (let count = 0; count < 1000 && client.bufferedAmount < 1024 * 1024; count++) client.ping(body);
  }, 1);
  await expect.poll(() => client.bufferedAmount, { timeout: 20_000 }).toBeGreaterThan(256 * 1024);
  await new Promise((resolve) => setTimeout(resolve, 100));
  clearInterval(flood);
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(32 * 1024 * 1024);
  abort.abort();
  expect((await ended).failure).toMatchObject({ code: "cancelled" });
});

test("nothing above the limit passes, and the limit counts both ways", async () => {
  const { client, target, ended } = await relayed({ bytes: 10 });
  const heard: string[] = [];
  target.on("message", (data) => heard.push(String(data)));
  client.send("123456");
  await expect.poll(() => heard).toEqual(["123456"]);
  const end = closed(target);
  target.send("12345");
  expect((await end).code).toBe(1001);
  expect(await ended).toMatchObject({ bytes: 6, failure: { code: "limit_exceeded" } });
});

test("in the turn of a stop nothing more passes, and both sides are hung up on soon, whether or not they answer", async () => {
  const { client, target, ended, abort } = await relayed();
  const heard: string[] = [];
  target.on("message", (data) => heard.push(String(data)));
  client.pause();
  const startedMs = performance.now();
  abort.abort();
  client.send("late");
  target.send("late");
  expect((await ended).failure).toMatchObject({ code: "cancelled" });
  expect(performance.now() - startedMs).toBeLessThan(1000);
  expect(heard).toEqual([]);
});

test("silence ends it", async () => {
  const { client, ended } = await relayed({ idleMs: 50 });
  expect((await closed(client)).code).toBe(1008);
  expect((await ended).failure).toMatchObject({ code: "limit_exceeded", message: expect.stringContaining("50 ms") });
});

test("what breaks the rules ends both, and says whose fault it was", async () => {
  const { client, target, ended } = await relayed();
  const end = closed(target);
  client.send(Buffer.alloc(socketOptions.maxPayload + 1));
  expect((await closed(client)).code).toBe(1009);
  expect((await end).code).toBe(1001);
  expect((await ended).failure).toMatchObject({ code: "invalid_request", message: expect.stringContaining("client") });
});

test("one message in too many parts is not gathered", async () => {
  const { client, ended } = await relayed();
  client.on("error", () => {});
  for (let count = 0; count < 20_000 && client.readyState === WebSocket.OPEN; count++) client.send("x", { fin: false });
  expect((await ended).failure).toMatchObject({ code: "invalid_request" });
});

test("the target's words are looked through, in closing reasons, too; the client's are its own", async () => {
  const hide = (data: Buffer) => Buffer.from(data.toString().replaceAll("s3cret", "******"));
  const { client, target } = await relayed({ hide });
  client.send("s3cret");
  expect(String((await once(target, "message"))[0])).toBe("s3cret");
  target.send("it is s3cret");
  expect(String((await once(client, "message"))[0])).toBe("it is ******");
  const end = closed(client);
  target.close(1000, "s3cret");
  expect((await end).reason).toBe("******");
});
