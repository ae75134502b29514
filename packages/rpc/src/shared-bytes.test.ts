import { expect, test } from "vitest";
import { Output, OutputStream } from "./gen/countersign/v1/agent.ts";

test.each([
  [0, "of its own"],
  [16 * 1024 - 1, "of its own"],
  [16 * 1024, "in its message"],
  [300_000, "in its message"],
])("output of %i bytes is read into memory %s", (size, whose) => {
  const data = Buffer.alloc(size, "output");
  const message = Buffer.from(Output.encode({ stream: OutputStream.STDOUT, data }).finish());
  const read = Output.decode(message).data;
  expect(read.equals(data)).toBe(true);
  message.fill(0);
  expect(read.equals(data) ? "of its own" : "in its message").toBe(whose);
});
