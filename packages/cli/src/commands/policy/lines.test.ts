import fc from "fast-check";
import { expect, test } from "vitest";
import { linesOf } from "./lines.ts";

async function lines(chunks: readonly (Uint8Array | string)[], cap = 100): Promise<(string | undefined)[]> {
  const found: (string | undefined)[] = [];
  const stream = (async function* () {
    yield* chunks;
  })();
  for await (const line of linesOf(stream, cap)) found.push(line && Buffer.from(line).toString());
  return found;
}

test("lines as they are, the last one with or without a line break", async () => {
  expect(await lines(["a\n\nb"])).toEqual(["a", "", "b"]);
  expect(await lines(["a\r\nb\n"])).toEqual(["a\r", "b"]);
  expect(await lines([])).toEqual([]);
  expect(await lines(["\n"])).toEqual([""]);
});

test("a stream cut anywhere, within characters too, gives the same lines", async () => {
  await fc.assert(
    fc.asyncProperty(fc.string({ unit: "binary", maxLength: 40 }), fc.nat(50), async (text, at) => {
      const bytes = Buffer.from(text.replaceAll("x", "\n"));
      const expected = bytes.toString().split("\n");
      if (expected.at(-1) === "") expected.pop();
      expect(await lines([bytes.subarray(0, at), bytes.subarray(at)], 1000)).toEqual(expected);
    }),
  );
});

test("of a line that is too long nothing is kept, and the next is read as usual", async () => {
  expect(await lines(["aaaa", "bbbb", "\nok\n", "123456\n12345"], 5)).toEqual([undefined, "ok", undefined, "12345"]);
});
