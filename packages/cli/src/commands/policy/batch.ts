import {
  type Asking,
  type AskingJson,
  answer,
  CountersignError,
  idOf,
  type Json,
  type Policy,
  type ProtocolName,
  readAsking,
  refused,
} from "@countersign/policy";
import { type Terminal, write } from "../../terminal/terminal.ts";
import { type Line, linesOf } from "./lines.ts";

/** What an operation needs besides what it says itself. */
export interface BatchOptions {
  readonly policy: Policy;
  readonly type: ProtocolName | undefined;
  /** @throws {CountersignError} for a resource that cannot be asked for. */
  readonly complete: (asked: AskingJson) => Asking;
}

/** Most bytes of a line: an operation of any type fits, however its JSON is written. */
const maxLine = 64 * 1024 * 1024;

/** Answers every line of standard input with one line of JSON, as it comes. */
export async function answerLines(terminal: Terminal, options: BatchOptions): Promise<void> {
  for await (const line of linesOf(terminal.stdin, maxLine)) await write(terminal.stdout, `${answerLine(line, options)}\n`);
}

function answerLine(line: Line, options: BatchOptions): string {
  let id: Json | undefined;
  try {
    const value = readJson(line);
    id = idOf(value);
    const answered = answer(options.policy, options.complete(readAsking(value, options.type)));
    return JSON.stringify({ ...(id === undefined ? {} : { id }), ...answered });
  } catch (error) {
    // Whatever a line holds, it is answered, and those after it are too.
    return JSON.stringify({ ...(id === undefined ? {} : { id }), ...refused(failureOf(error)) });
  }
}

function failureOf(error: unknown): { readonly code: CountersignError["code"]; readonly message: string } {
  if (error instanceof CountersignError) return { code: error.code, message: error.message };
  return { code: "internal", message: error instanceof Error ? error.message : String(error) };
}

const utf8 = new TextDecoder("utf-8", { fatal: true });

function readJson(line: Line): unknown {
  if (line === undefined) throw new CountersignError("operation_too_large", `The line is longer than ${maxLine} bytes.`);
  let text: string;
  try {
    // A byte order mark goes with it.
    text = utf8.decode(line);
  } catch (cause) {
    throw new CountersignError("invalid_request", "The line is not UTF-8 text.", { cause });
  }
  try {
    return JSON.parse(text);
  } catch (cause) {
    const found = text.trim() === "" ? "it is empty" : cause instanceof Error ? cause.message : String(cause);
    throw new CountersignError("invalid_request", `The line is not JSON: ${found}.`, { cause });
  }
}
