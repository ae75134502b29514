import { createInterface } from "node:readline/promises";
import { CliError, exitCodes } from "../exit.ts";
import type { Terminal } from "./terminal.ts";

/**
 * Asks a yes-or-no question on the terminal; only `y` or `yes` is a yes.
 *
 * @throws {CliError} interrupted, on Ctrl-C or Ctrl-D.
 */
export async function confirm(terminal: Terminal, question: string): Promise<boolean> {
  const asked = createInterface({ input: terminal.stdin, output: terminal.stderr });
  try {
    return await new Promise<boolean>((resolve, reject) => {
      asked.once("close", () => reject(new CliError(exitCodes.interrupted, "Interrupted; nothing was changed.")));
      asked.question(`${question} [y/N] `).then((answer) => resolve(/^y(es)?$/i.test(answer.trim())), reject);
    });
  } finally {
    asked.close();
  }
}

/**
 * Reads a secret: from a prompt that does not echo when standard input is a terminal, otherwise the whole input without its last line break.
 *
 * @throws {CliError} interrupted, on Ctrl-C.
 */
export async function readSecret(terminal: Terminal, question: string): Promise<string> {
  if (terminal.stdin.isTTY !== true || !hasRawMode(terminal.stdin)) {
    const chunks: Buffer[] = [];
    for await (const chunk of terminal.stdin) chunks.push(Buffer.from(chunk));
    return Buffer.concat(chunks)
      .toString("utf8")
      .replace(/\r?\n$/, "");
  }
  const { stdin } = terminal;
  terminal.stderr.write(question);
  stdin.setRawMode(true);
  try {
    return await typed(stdin);
  } finally {
    stdin.setRawMode(false);
    stdin.pause();
    terminal.stderr.write("\n");
  }
}

type RawInput = Terminal["stdin"] & { setRawMode(on: boolean): unknown };

function hasRawMode(stdin: Terminal["stdin"]): stdin is RawInput {
  return "setRawMode" in stdin && typeof stdin.setRawMode === "function";
}

/** What is typed up to Enter. Raw mode delivers keys one by one or, when pasted, many at once. */
async function typed(stdin: RawInput): Promise<string> {
  return await new Promise((resolve, reject) => {
    let text = "";
    const settle = (finish: () => void): void => {
      stdin.off("data", onData);
      finish();
    };
    const onData = (chunk: Buffer): void => {
      for (const key of chunk.toString("utf8")) {
        if (enter.has(key)) {
          settle(() => resolve(text));
          return;
        }
        if (key === "\u0003") {
          settle(() => reject(new CliError(exitCodes.interrupted, "Interrupted; nothing was stored.")));
          return;
        }
        text = erase.has(key) ? [...text].slice(0, -1).join("") : text + key;
      }
    };
    stdin.on("data", onData);
    stdin.resume();
  });
}

const enter = new Set(["\r", "\n", "\u0004"]);
const erase = new Set(["\u007f", "\b"]);
