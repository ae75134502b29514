import { Readable } from "node:stream";
import { expect, test } from "vitest";
import { type BodySource, bodyOrStream, bodyUpTo } from "./body.ts";

const patience = { wholeMs: 60, silenceMs: 60 };

/** A request whose body is sent by what is pushed. */
function request(headers: BodySource["headers"]) {
  return Object.assign(new Readable({ read: () => {} }), { headers });
}

function sent(text: string, headers: BodySource["headers"] = { "transfer-encoding": "chunked" }) {
  const one = request(headers);
  for (const letter of text) one.push(letter);
  one.push(null);
  return one;
}

async function whole(parts: AsyncIterable<Buffer>): Promise<string> {
  let text = "";
  for await (const part of parts) text += part;
  return text;
}

test("a body is read whole up to what is taken, and one byte of more", async () => {
  expect(String(await bodyUpTo(sent("1234"), 4, patience))).toBe("1234");
  expect(String(await bodyUpTo(sent("12345678"), 4, patience))).toBe("12345");
  expect(String(await bodyUpTo(request({}), 4, patience))).toBe("");
});

test("a larger one is streamed from its first byte on, whether its length is said or not", async () => {
  expect(String(await bodyOrStream(sent("1234"), 4, patience))).toBe("1234");
  for (const [headers, bytes] of [
    [{ "transfer-encoding": "chunked" }, undefined],
    [{ "content-length": "8" }, 8],
  ] as const) {
    const body = await bodyOrStream(sent("12345678", headers), 4, patience);
    if (Buffer.isBuffer(body)) expect.unreachable();
    else expect([body.bytes, await whole(body.parts)]).toEqual([bytes, "12345678"]);
  }
});

test("ld-slow: a client that says nothing is cut off, in a body that is read and in one that is streamed", async () => {
  const slow = request({ "content-length": "4" });
  slow.push("1");
  await expect(bodyUpTo(slow, 4, patience)).rejects.toThrow("too slow");
  const silent = request({ "content-length": "8" });
  silent.push("1");
  const body = await bodyOrStream(silent, 4, patience);
  if (Buffer.isBuffer(body)) expect.unreachable();
  else await expect(whole(body.parts)).rejects.toThrow("too slow");
  expect([slow.destroyed, silent.destroyed]).toEqual([true, true]);
});

test("a client is not cut off for a target that is slow to take what it sends", async () => {
  const body = await bodyOrStream(sent("12345678", { "content-length": "8" }), 4, patience);
  if (Buffer.isBuffer(body)) return expect.unreachable();
  let text = "";
  for await (const part of body.parts) {
    text += part;
    if (text.length === 3) await new Promise((resolve) => setTimeout(resolve, 150));
  }
  expect(text).toBe("12345678");
});
