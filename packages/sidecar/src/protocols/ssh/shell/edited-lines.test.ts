import { PassThrough } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { EditedLines } from "./edited-lines.ts";

function world(patience = { enterMs: 20, questionMs: 40 }) {
  const input = new PassThrough({ autoDestroy: false });
  const drawn: string[] = [];
  const interrupts: number[] = [];
  const terminal = { draw: (text: string) => void drawn.push(text), isBehind: false, drained: async () => {} };
  const parts = {
    columns: 80,
    complete: () => [],
    history: [],
    mostBytes: 100,
    patience,
    onInterrupt: () => void interrupts.push(1),
  };
  return { input, drawn, interrupts, lines: new EditedLines(input, terminal, parts) };
}

test("an unmarked paste whose lines come one after the other is one text", async () => {
  const { input, lines } = world();
  const given = lines.next("$ ");
  input.write("echo a\r");
  await sleep(1);
  input.write("echo b\r");
  await sleep(1);
  input.write("echo c\r");
  expect(await given).toEqual({ type: "pasted", text: "echo a\necho b\necho c" });
});

test("the rest of a paste is no answer to a question; Ctrl-C is", async () => {
  const { input, lines } = world();
  const given = lines.next("run? ", true);
  input.write("y\r");
  await sleep(20);
  input.write("y\r");
  await sleep(60);
  input.write("n\r");
  expect(await given).toEqual({ type: "line", text: "n" });
  const again = lines.next("run? ", true);
  input.write("\x03");
  expect(await again).toEqual({ type: "interrupted" });
});

test("what is typed while nothing is asked is kept up to a bound; Ctrl-C is heard at once and drops it", async () => {
  const { input, lines, interrupts, drawn } = world();
  input.write("ls");
  await sleep(1);
  const first = lines.next("$ ");
  input.write("\r");
  expect(await first).toEqual({ type: "line", text: "ls" });
  input.write("typed ahead");
  input.write("\x03");
  await sleep(1);
  expect(interrupts).toHaveLength(1);
  input.write("x".repeat(5000));
  await sleep(1);
  expect(drawn.at(-1)).toBe("\x07");
  const second = lines.next("$ ");
  input.write("df\r");
  expect(await second).toEqual({ type: "line", text: "df" });
});

test("a line does not grow beyond its bound, and what came before the end of the input is done", async () => {
  const { input, lines } = world();
  const given = lines.next("$ ");
  for (let part = 0; part < 20; part++) {
    input.write("漢".repeat(10));
    await sleep(1);
  }
  input.end("\r");
  expect(await given).toEqual({ type: "line", text: "漢".repeat(30) });
  expect(await lines.next("$ ")).toEqual({ type: "ended" });
});

test("another width of the window draws the line anew, where there is one", async () => {
  const { input, lines, drawn } = world();
  lines.resize(40);
  expect(drawn.join("")).toBe("\x1b[?2004h");
  const given = lines.next("$ ");
  input.write("a long line of words");
  await sleep(1);
  drawn.length = 0;
  lines.resize(10);
  expect(drawn.join("")).toContain("$ a long line of words");
  input.write("\r");
  expect(await given).toEqual({ type: "line", text: "a long line of words" });
});
