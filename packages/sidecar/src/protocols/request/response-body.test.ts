import { expect, test } from "vitest";
import { ResponseBody } from "./response-body.ts";

const part = (text: string) => Buffer.from(text);

async function whole(body: ResponseBody): Promise<string> {
  let text = "";
  for await (const one of body) text += one;
  return text;
}

test("parts come in order, those that were there before and those that come later", async () => {
  const body = new ResponseBody({ resume: () => {} });
  body.push(part("a"));
  setTimeout(() => body.push(part("b")));
  setTimeout(() => body.end());
  expect(await whole(body)).toBe("ab");
});

test("what waits is bounded: the target goes on when it has been read", async () => {
  let resumed = 0;
  const body = new ResponseBody({
    resume: () => {
      resumed++;
      body.end();
    },
  });
  expect(body.push(Buffer.alloc(200_000))).toBe(true);
  expect(body.push(Buffer.alloc(100_000))).toBe(false);
  const sizes: number[] = [];
  for await (const { length } of body) {
    sizes.push(length);
    expect(resumed).toBe(0);
  }
  expect([sizes, resumed]).toEqual([[200_000, 100_000], 1]);
});

test("one that breaks off is an error at once, whatever still waits", async () => {
  const body = new ResponseBody({ resume: () => {} });
  body.push(part("a"));
  body.push(part("b"));
  const read: string[] = [];
  const reading = (async () => {
    for await (const one of body) {
      read.push(String(one));
      body.end(new Error("broken off"));
    }
  })();
  await expect(reading).rejects.toThrow("broken off");
  expect(read).toEqual(["a"]);
  body.end();
  await expect(whole(body)).rejects.toThrow("broken off");
});
