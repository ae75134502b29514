/** What a key does to a line. Everything else that a terminal can send does nothing. */
export type KeyName =
  | "enter"
  | "tab"
  | "backspace"
  | "delete"
  | "left"
  | "right"
  | "up"
  | "down"
  | "home"
  | "end"
  | "word-left"
  | "word-right"
  | "kill-start"
  | "kill-end"
  | "kill-word"
  | "kill-next-word"
  | "clear"
  | "search"
  | "interrupt"
  | "end-of-input";

/** One thing that a person does at a terminal. */
export type Key =
  | { readonly type: "text"; readonly text: string }
  | { readonly type: "key"; readonly name: KeyName }
  /** Of a bracketed paste; lines end with `\n`. */
  | { readonly type: "paste"; readonly text: string }
  /** Nothing that can stand in a line: the person hears a bell. */
  | { readonly type: "nothing" };

/** A sign that everybody sees, or a blank: what is sent is what was seen. No control, no bidirectional or invisible character, no blank that is none. */
const visible = /^(?:[^\p{C}\p{Z}\p{Default_Ignorable_Code_Point}\uFFFD]| )+$/u;

/** Whether a text has nothing but what can be seen. */
export function isVisible(text: string): boolean {
  return visible.test(text);
}

const controls: ReadonlyMap<string, KeyName> = new Map([
  ["\r", "enter"],
  ["\n", "enter"],
  ["\t", "tab"],
  ["\x7f", "backspace"],
  ["\b", "backspace"],
  ["\x01", "home"],
  ["\x02", "left"],
  ["\x03", "interrupt"],
  ["\x04", "end-of-input"],
  ["\x05", "end"],
  ["\x06", "right"],
  ["\x0b", "kill-end"],
  ["\x0c", "clear"],
  ["\x0e", "down"],
  ["\x10", "up"],
  ["\x12", "search"],
  ["\x15", "kill-start"],
  ["\x17", "kill-word"],
]);

/** The key that a control character is. */
export function controlKey(character: string): KeyName | undefined {
  return controls.get(character);
}

/** After ESC [ or ESC O; and after ESC alone, for the letters that have no bracket. */
const sequences: ReadonlyMap<string, KeyName> = new Map([
  ["[A", "up"],
  ["[B", "down"],
  ["[C", "right"],
  ["[D", "left"],
  ["[H", "home"],
  ["[F", "end"],
  ["OA", "up"],
  ["OB", "down"],
  ["OC", "right"],
  ["OD", "left"],
  ["OH", "home"],
  ["OF", "end"],
  ["[1~", "home"],
  ["[7~", "home"],
  ["[4~", "end"],
  ["[8~", "end"],
  ["[3~", "delete"],
  ["[1;5C", "word-right"],
  ["[1;5D", "word-left"],
  ["[1;3C", "word-right"],
  ["[1;3D", "word-left"],
  ["f", "word-right"],
  ["b", "word-left"],
  ["d", "kill-next-word"],
  ["\x7f", "kill-word"],
]);

/** The key that an escape sequence is, without its ESC. */
export function sequenceKey(sequence: string): KeyName | undefined {
  return sequences.get(sequence);
}
