import { expect, test } from "vitest";
import type { Key } from "./key.ts";
import { KeyReader } from "./key-reader.ts";

const read = (...parts: (string | Uint8Array)[]): readonly Key[] => {
  const reader = new KeyReader(20);
  return joined(parts.flatMap((part) => [...reader.read(Buffer.from(part))]));
};

/** However text is cut, it is the same text. */
function joined(keys: readonly Key[]): readonly Key[] {
  const all: Key[] = [];
  for (const key of keys) {
    const last = all.at(-1);
    if (key.type === "text" && last?.type === "text") all.splice(-1, 1, { type: "text", text: last.text + key.text });
    else all.push(key);
  }
  return all;
}

const key = (name: Extract<Key, { type: "key" }>["name"]): Key => ({ type: "key", name });
const text = (given: string): Key => ({ type: "text", text: given });
const nothing: Key = { type: "nothing" };

const cases: readonly (readonly [sent: string, keys: readonly Key[]])[] = [
  ["ls é漢😀", [text("ls é漢😀")]],
  ["a\x1b[Db\x1bOC\x1b[3~\x1b[1~", [text("a"), key("left"), text("b"), key("right"), key("delete"), key("home")]],
  [
    "\x01\x05\x0b\x15\x17\x0c\x04\x03\x7f\t",
    (
      ["home", "end", "kill-end", "kill-start", "kill-word", "clear", "end-of-input", "interrupt", "backspace", "tab"] as const
    ).map(key),
  ],
  ["a\r\nb\rc\n", [text("a"), key("enter"), text("b"), key("enter"), text("c"), key("enter")]],
  // What nobody sees is not typed: a job control key, NUL, C1, bidirectional and zero-width characters, a no-break space.
  ["\x1a\0\u009b\u202e\u200b\u00a0\ufeff", Array.from({ length: 7 }, () => nothing)],
  // What a terminal answers to what a command printed is nobody's input, whatever is in it.
  ["\x1b]l rm -rf /\x1b\\x\x1bP1$r0m\x07y\x1b[12;5Rz", [text("x"), text("y"), nothing, text("z")]],
  // Enter and Ctrl-C lead out of it, and do nothing else.
  ["\x1b]rm\rok", [text("ok")]],
  ["\x1b[200~a\tb\r\nc\x1b[201~d", [{ type: "paste", text: "a b\nc" }, text("d")]],
  ["\x1b[200~a\x1b[31mb\x1b[201~", [nothing]],
  [`\x1b[200~${"x".repeat(100)}\x1b[201~ok`, [nothing, text("ok")]],
  [`\x1b[${"9".repeat(1000)}Aok`, [nothing, text("ok")]],
];

test.each(cases)("%j", (sent, keys) => {
  expect(read(sent)).toEqual(joined(keys));
});

test("however it is cut, it is the same", () => {
  for (const [sent, keys] of cases) {
    const bytes = Buffer.from(sent);
    for (let at = 0; at <= bytes.length; at++) expect(read(bytes.subarray(0, at), bytes.subarray(at))).toEqual(joined(keys));
    expect(read(...Array.from(bytes, (byte) => Uint8Array.of(byte)))).toEqual(joined(keys));
  }
});

test("what is no UTF-8 is not typed", () => {
  expect(read(Uint8Array.of(0x61, 0xff, 0xe6, 0xbc, 0x62))).toEqual([text("a"), nothing, nothing, text("b")]);
});
