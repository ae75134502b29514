import { once } from "node:events";
import { createServer, type ServerResponse } from "node:http";
import { type AddressInfo, connect, type Socket } from "node:net";
import { PassThrough } from "node:stream";
import { afterEach, expect, test } from "vitest";
import { Writing, writePart } from "./writing.ts";

const open: { close(): unknown }[] = [];
const sockets: Socket[] = [];
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy();
  for (const one of open.splice(0)) one.close();
});

/** What a client receives, read by read, of what is written for it. */
async function received(write: (writing: Writing, response: ServerResponse) => void): Promise<readonly string[]> {
  const server = createServer((_, response) => write(new Writing(response), response));
  open.push(server);
  await once(server.listen(0, "127.0.0.1"), "listening");
  const socket = connect((server.address() as AddressInfo).port, "127.0.0.1");
  sockets.push(socket);
  const reads: string[] = [];
  socket.on("data", (data) => reads.push(data.toString("latin1")));
  socket.write("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  await once(socket, "close");
  return reads;
}

const bytes = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));

test("a short answer leaves whole, and every byte of it is as it was", async () => {
  const reads = await received((writing) => {
    writing.head(200, ["content-length", "256"]);
    expect(writing.part(bytes)).toBe(undefined);
    writing.end();
  });
  expect(reads).toHaveLength(1);
  expect(reads[0]?.split("\r\n\r\n")[1]).toBe(bytes.toString("latin1"));
});

test("what comes in several parts, at once or later, comes in order", async () => {
  const reads = await received((writing) => {
    writing.head(200, []);
    void writing.part(Buffer.from("one "));
    void writing.part(Buffer.from("two "));
    setTimeout(() => {
      void writing.part(Buffer.from("three"));
      writing.end();
    }, 5);
  });
  expect(reads.join("")).toMatch(/one [\s\S]*two [\s\S]*three/);
});

test("the head of a stream, and a part of it, do not wait for what comes next", async () => {
  const reads = await received((writing, response) => {
    writing.head(200, ["x-a", "b"]);
    setTimeout(() => void writing.part(Buffer.from("first")), 30);
    setTimeout(() => response.destroy(), 100);
  });
  expect(reads[0]).toMatch(/^HTTP\/1\.1 200 OK\r\nx-a: b\r\n/);
  expect(reads[0]).not.toContain("first");
  expect(reads.slice(1).join("")).toContain("first");
});

test("ld-slow: whoever takes nothing for too long is cut off, and whoever takes it goes on", async () => {
  const slow = new PassThrough({ highWaterMark: 1 });
  await writePart(slow, bytes, 20);
  expect(slow.destroyed).toBe(true);
  expect(writePart(slow, bytes, 20)).toBe(undefined);
  const quick = new PassThrough({ highWaterMark: 1 });
  const written = writePart(quick, bytes, 5000);
  quick.resume();
  await written;
  expect(quick.destroyed).toBe(false);
});
