import { styleText } from "node:util";

const colour = process.stdout.isTTY === true && process.env.NO_COLOR === undefined;

type Style = "bold" | "dim" | "green" | "yellow" | "red" | "cyan";

/** Text in a style, where the output is a terminal. */
export function styled(style: Style, text: string): string {
  return colour ? styleText(style, text) : text;
}

/** One line of the demo's story. */
export function say(text = ""): void {
  process.stdout.write(`${text}\n`);
}

/** A step that is done. */
export function done(text: string): void {
  say(`${styled("green", "✓")} ${text}`);
}
