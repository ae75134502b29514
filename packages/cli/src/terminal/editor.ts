import { spawn } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { CliError, exitCodes } from "../exit.ts";
import type { Terminal } from "./terminal.ts";

/**
 * Has the person change a text in their editor.
 *
 * @throws {CliError} when there is no editor, it fails, or leaves no text.
 */
export async function editedText(terminal: Terminal, text: string, extension: string): Promise<string> {
  const editor = terminal.env.VISUAL || terminal.env.EDITOR;
  if (!editor) throw new CliError(exitCodes.usage, "Set $VISUAL or $EDITOR, or say what is to run with --statement or --file.");
  // A folder of its own, 0700: what is edited may hold what others should not see.
  const folder = await mkdtemp(join(tmpdir(), "countersign-edit-"));
  try {
    const path = join(folder, `operation${extension}`);
    await writeFile(path, `${text}\n`, { mode: 0o600 });
    // The variable is a command line, as everywhere; the path is not part of it.
    const child = spawn("/bin/sh", ["-c", `${editor} "$1"`, "editor", path], { stdio: "inherit", env: { ...terminal.env } });
    const code = await new Promise<number | null>((done, failed) => child.once("close", done).once("error", failed));
    if (code !== 0) throw new CliError(exitCodes.failure, `The editor (${editor}) ended with an error; nothing was changed.`);
    return await textOf(path);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** @throws {CliError} when the file cannot be read, or is empty. */
export async function textOfFile(terminal: Terminal, path: string): Promise<string> {
  try {
    return await textOf(resolve(terminal.cwd, path));
  } catch (error) {
    if (error instanceof CliError) throw error;
    throw new CliError(exitCodes.usage, `${path} cannot be read: ${error instanceof Error ? error.message : error}`);
  }
}

/** Without the line break that editors put at the end. */
async function textOf(path: string): Promise<string> {
  const text = new TextDecoder("utf-8", { fatal: true }).decode(await readFile(path)).replace(/\r?\n$/, "");
  if (text.trim() === "") throw new CliError(exitCodes.failure, "There is no text left; nothing was changed.");
  return text;
}
