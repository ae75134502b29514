import { Duplex, Writable } from "node:stream";
import { setImmediate as turn } from "node:timers/promises";
import { mostLineBytes } from "@countersign/policy";
import type { ServerChannel } from "ssh2";
import { completions } from "../../../packages/sidecar/src/protocols/ssh/shell/completion.ts";
import { EditedLines } from "../../../packages/sidecar/src/protocols/ssh/shell/edited-lines.ts";
import { GuardedShell } from "../../../packages/sidecar/src/protocols/ssh/shell/guarded-shell.ts";
import { Terminal } from "../../../packages/sidecar/src/protocols/ssh/shell/terminal.ts";
import type { Random } from "../../harness/random.ts";
import { Screen } from "./screen.ts";

/** A client that shows what it gets. */
class Client extends Duplex {
  readonly stderr: Writable;
  readonly screen: Screen;

  constructor(columns: number) {
    super({ readableHighWaterMark: 1 << 20 });
    this.screen = new Screen(columns);
    this.stderr = new Writable({ write: (_chunk, _encoding, done) => done() });
  }

  override _read(): void {}

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.screen.write(chunk.toString());
    done();
  }
}

const letters = [
  "a",
  "b",
  " ",
  "l",
  "s",
  "é",
  "漢",
  "😀",
  "e\u0301",
  "1",
  "-",
  "/",
  "'",
  '"',
  "\\",
  ";",
  "|",
  "#",
  "$",
  "(",
  ")",
  "<",
  "&",
];
const keys = [
  "[A",
  "[B",
  "[C",
  "[D",
  "[H",
  "[F",
  "[3~",
  "OA",
  "b",
  "f",
  "d",
  "[1;5D",
  "[24~",
  "]0;x\r",
  "]0;title\x07",
  "P1$r0m\x1b\\",
  "[9999999999999999999999999999999999999999R",
];
const controls = "\x01\x02\x05\x06\x08\x0b\x0c\x0e\x10\x12\x15\x17\x7f\t\x1a\x1c\0\u200b\u202e\u00a0";

/** How a client types: the bytes of one thing that it does. */
function typed(random: Random, wild: boolean): Buffer {
  const what = random.below(20);
  const text = (most: number) => Array.from({ length: random.below(most) }, () => random.of(letters) ?? "").join("");
  if (wild && what < 4) return random.bytes(random.below(40));
  if (what < 10) return Buffer.from(text(12));
  if (what < 12) return Buffer.from(`\x1b${random.of(keys)}`);
  if (what < 14) return Buffer.from(controls.charAt(random.below(controls.length)));
  if (what === 14) return Buffer.from(`\x1b[200~${text(10)}${random.of(["", "\r", "\n", "\r\n", "\t"])}${text(10)}\x1b[201~`);
  if (what === 15) return Buffer.from(random.of(["\x03", "y\r", "ls\r", "ls a\rls b\r", `${text(60)}${text(60)}`]) ?? "");
  return Buffer.from("\r");
}

/** What a person has before their eyes when a line begins to run: what they typed since the last prompt. */
function seen(lines: readonly string[]): string | undefined {
  const begins = lines.findLastIndex((line) => /^(?:\[\d+\] )?web-1:~\$/.test(line));
  const [first = "", ...more] = lines.slice(begins);
  if (begins < 0) return undefined;
  let text = [first.replace(/^(?:\[\d+\] )?web-1:~\$ ?/, "")];
  let block: string[] = [];
  for (const line of more) {
    if (line.startsWith("  |")) block.push(line.slice(4));
    else if (line.startsWith("Run these")) {
      text = block;
      block = [];
    } else if (line.startsWith(">")) text.push(line.slice(2));
    // How a word may go on; the line is shown again below it.
    else if (line !== "") text.pop();
  }
  return text.join("\n");
}

/** What ran, and what its client saw. */
export interface Fuzzed {
  readonly ran: number;
  readonly compared: number;
}

/**
 * Types at a guarded shell, cut anywhere: what is asked about must be what stands on the screen, each time with an Enter of its own.
 *
 * @throws when it is not.
 */
export async function fuzzShell(random: Random, things: number): Promise<Fuzzed> {
  // Letters of any script have widths that terminals do not agree about: then only that nothing breaks is looked at.
  const wild = random.below(2) === 0;
  const columns = 20 + random.below(80);
  const client = new Client(columns);
  const channel = client as unknown as ServerChannel;
  const terminal = new Terminal(channel, true);
  const history: string[] = [];
  const fuzzed = { ran: 0, compared: 0 };
  const ends = { enters: 0, problem: undefined as string | undefined };
  const parts = { columns, complete: completions, history, mostBytes: mostLineBytes, patience: { enterMs: 0, questionMs: 0 } };
  const source = new EditedLines(channel, terminal, { ...parts, onInterrupt: () => shell.interrupt() });
  const shell = new GuardedShell({
    ...{ name: "web-1", terminal, source, history },
    run: async (command, watcher) => {
      await terminal.drained();
      fuzzed.ran++;
      const shown = seen(client.screen.lines);
      // The first of several lines may have been cleared away (Ctrl-L).
      const isCompared = !wild && shown !== undefined;
      if (isCompared && trimmed(shown) !== trimmed(command))
        ends.problem ??= `shown ${JSON.stringify(shown)}\nrun   ${JSON.stringify(command)}`;
      if (Buffer.byteLength(command) > mostLineBytes) ends.problem ??= `a line of ${command.length} characters`;
      if (fuzzed.ran > ends.enters) ends.problem ??= `${fuzzed.ran} lines ran with ${ends.enters} Enters`;
      if (isCompared) fuzzed.compared++;
      for (let waits = random.below(4); waits > 0; waits--) await turn();
      await watcher.output(Buffer.from(random.of(["out\n", "no end", "\x1b[31mred", "\x1b]0;t", ""]) ?? ""), "stdout");
      return {
        ended: { requestId: "", state: "succeeded" },
        outcome: { state: "succeeded", rows: 0, bytes: 0, durationMs: 0, exit: { code: random.below(3) } },
      };
    },
  });
  const running = shell.run();
  for (let thing = 0; thing < things; thing++) {
    const bytes = Buffer.concat(Array.from({ length: 1 + random.below(3) }, () => typed(random, wild)));
    ends.enters += bytes.filter((byte) => byte === 0x0d || byte === 0x0a).length;
    for (let at = 0; at < bytes.length; ) {
      const size = 1 + random.below(random.of([1, 3, 50]) ?? 1);
      client.push(bytes.subarray(at, at + size));
      at += size;
      if (random.below(3) > 0) await turn();
    }
  }
  await turn();
  client.push(null);
  client.destroy();
  shell.finish();
  await running;
  if (ends.problem !== undefined) throw new Error(`${columns} columns: ${ends.problem}`);
  return fuzzed;
}

/** A terminal does not show whether a line ends with blanks. */
function trimmed(text: string): string {
  return text
    .split("\n")
    .map((line) => line.trimEnd())
    .join("\n");
}
