import { mkdir, writeFile } from "node:fs/promises";
import { userInfo } from "node:os";
import { join, relative, resolve } from "node:path";
import { starterConfig, starterPolicy } from "../config/starter.ts";
import { CliError, type ExitCode, exitCodes } from "../exit.ts";
import { line, paint, type Terminal } from "../terminal/terminal.ts";
import { action, describe, type MakeCommand } from "./command.ts";

/** `countersign init` */
export const initCommand: MakeCommand = (context) =>
  describe(
    "init [DIR]",
    "write a starter configuration and policy",
    "Writes a commented countersign.yaml and a starter policy.yaml into DIR (default: here). Overwrites nothing unless told to.",
    [
      ["countersign init", "in this folder"],
      ["countersign init ops --force", "in ./ops, replacing what is there"],
    ],
  )
    .option("--force", "overwrite files that exist")
    .action(
      action(context, (folder: string | undefined, options: { force?: true }) =>
        init(context.terminal, folder ?? ".", options.force ?? false),
      ),
    );

async function init(terminal: Terminal, folder: string, force: boolean): Promise<ExitCode> {
  const target = resolve(terminal.cwd, folder);
  const files = { "countersign.yaml": starterConfig(userInfo().username), "policy.yaml": starterPolicy };
  await mkdir(target, { recursive: true });
  const kept: string[] = [];
  for (const [name, text] of Object.entries(files)) {
    const path = join(target, name);
    const shown = relative(terminal.cwd, path) || name;
    if (await written(path, text, force)) line(terminal.stdout, `${paint(terminal.stdout, "green", "wrote")}  ${shown}`);
    else {
      kept.push(shown);
      line(terminal.stdout, `${paint(terminal.stdout, "yellow", "kept")}   ${shown} (exists; --force overwrites it)`);
    }
  }
  if (kept.length === Object.keys(files).length) {
    throw new CliError(
      exitCodes.failure,
      `Nothing was written: ${kept.join(" and ")} exist already. Use --force to overwrite them.`,
    );
  }
  const cd = target === terminal.cwd ? "" : `cd ${folder} && `;
  line(terminal.stdout);
  line(terminal.stdout, "Next:");
  line(terminal.stdout, "  1. Name a database under `resources` in countersign.yaml; the sample there shows how.");
  line(terminal.stdout, `  2. ${cd}countersign up`);
  line(terminal.stdout, '  3. In another shell:  countersign query NAME "select 1"');
  return exitCodes.ok;
}

/** Writes a new file, or replaces one when forced; false when it exists and stays. */
async function written(path: string, text: string, force: boolean): Promise<boolean> {
  try {
    await writeFile(path, text, { flag: force ? "w" : "wx" });
    return true;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EEXIST") return false;
    throw error;
  }
}
