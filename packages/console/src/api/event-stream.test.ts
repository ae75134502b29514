import { expect, test } from "vitest";
import { EventStreamDecoder, type StreamItem } from "./event-stream.ts";

const text = ':hello\n\ndata: {"a":1}\n\ndata: one\r\ndata:two\r\n\r\nevent: x\nid: 7\n\n: beat\n';
const whole: StreamItem[] = [
  { type: "comment" },
  { type: "data", data: '{"a":1}' },
  { type: "data", data: "one\ntwo" },
  { type: "comment" },
];

test("the stream may be cut anywhere", () => {
  for (let at = 0; at <= text.length; at++) {
    const decoder = new EventStreamDecoder();
    expect([...decoder.push(text.slice(0, at)), ...decoder.push(text.slice(at))]).toEqual(whole);
  }
  const decoder = new EventStreamDecoder();
  expect([...text].flatMap((character) => decoder.push(character))).toEqual(whole);
});

test("an event without its empty line is not given", () => {
  expect(new EventStreamDecoder().push("data: x\n")).toEqual([]);
});

test("an endless event is refused", () => {
  const decoder = new EventStreamDecoder();
  expect(() => {
    for (let round = 0; round < 6; round++) decoder.push("x".repeat(1024 * 1024));
  }).toThrow(RangeError);
});
