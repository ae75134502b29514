import { once } from "node:events";
import { createServer, type Socket } from "node:net";
import { expect, test } from "vitest";
import { ServerReads } from "./server-reads.ts";

/** Reads from a server that says `chunks`, one after the other was read; gives how often a new piece of memory was read into. */
async function readAll(chunks: readonly Buffer[], take: (chunk: Buffer) => boolean): Promise<number> {
  const server = createServer({ noDelay: true }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const reads = new ServerReads();
  const memories = new Set<ArrayBufferLike>();
  let count = 0;
  let changed = () => {};
  reads.give((chunk) => {
    memories.add(chunk.buffer);
    count += chunk.length;
    changed();
    return take(chunk);
  });
  const connected = new Promise<Socket>((resolve) => server.once("connection", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("it has no port");
  reads.socket.connect(address.port, "127.0.0.1");
  const speaker = await connected;
  let wanted = 0;
  for (const chunk of chunks) {
    wanted += chunk.length;
    speaker.write(chunk);
    while (count < wanted) await new Promise<void>((resolve) => (changed = resolve));
  }
  const ended = once(reads.socket.resume(), "close");
  speaker.end();
  await ended;
  server.close();
  return memories.size;
}

const small = Array.from({ length: 20 }, (_, n) => Buffer.alloc(100, 65 + n));

test("what nobody keeps is read into the same memory, and an end is noticed", async () => {
  expect(await readAll(small, () => true)).toBe(1);
});

test("what somebody keeps stays as it was read", async () => {
  const kept: Buffer[] = [];
  await readAll(small, (chunk) => kept.push(chunk) < 0);
  expect(Buffer.concat(kept)).toEqual(Buffer.concat(small));
});

test("what is kept now and then stays, also when more comes than fits", async () => {
  const large = Array.from({ length: 8 }, (_, n) => Buffer.alloc(300_000, n));
  const kept: { readonly chunk: Buffer; readonly was: Buffer }[] = [];
  let n = 0;
  await readAll(large, (chunk) => {
    if (n++ % 2 === 1) return true;
    kept.push({ chunk, was: Buffer.from(chunk) });
    return false;
  });
  expect(kept.length).toBeGreaterThan(10);
  for (const { chunk, was } of kept) expect(chunk.equals(was)).toBe(true);
});
