import { type AskingJson, CountersignError, type ProtocolName, readAsking } from "@countersign/policy";
import { CliError, exitCodes } from "../../exit.ts";
import type { Terminal } from "../../terminal/terminal.ts";

/** What an operation on the command line is read with. */
interface TextOptions {
  readonly type?: ProtocolName;
  readonly param?: readonly string[];
}

/** Most bytes that are read from standard input. */
const maxBytes = 64 * 1024 * 1024;

/**
 * Reads the operation that a command line holds, or for `-` standard input. A JSON object is one; everything else is the text itself.
 *
 * @throws {CliError} usage, when it is none.
 */
export async function readOperationText(terminal: Terminal, argument: string, options: TextOptions): Promise<AskingJson> {
  const text = argument === "-" ? await readInput(terminal) : argument;
  const value = jsonObject(text) ?? text;
  if (options.param !== undefined && (options.type !== "postgres" || typeof value !== "string"))
    throw new CliError(exitCodes.usage, "--param goes with an SQL text only; in a JSON object write parameters.");
  const statement = options.param === undefined ? value : { statement: value, parameters: options.param };
  try {
    return readAsking(statement, options.type);
  } catch (error) {
    if (error instanceof CountersignError) throw new CliError(exitCodes.usage, error.message, { cause: error });
    throw error;
  }
}

/** Without the line break at its end, which an editor or `echo` adds. */
async function readInput({ stdin }: Terminal): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of stdin) {
    const bytes = Buffer.from(chunk);
    length += bytes.length;
    if (length > maxBytes) throw new CliError(exitCodes.usage, `The operation is longer than ${maxBytes} bytes.`);
    chunks.push(bytes);
  }
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(Buffer.concat(chunks)).replace(/\r?\n$/, "");
  } catch (cause) {
    throw new CliError(exitCodes.usage, "The operation is not UTF-8 text.", { cause });
  }
}

function jsonObject(text: string): unknown {
  if (!text.trimStart().startsWith("{")) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return value;
  } catch {
    // A shell's `{ ls; }`, for example.
    return undefined;
  }
}
