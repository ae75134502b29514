import { z } from "zod";
import { type SshExec, type SshFile, type SshSubsystem, sshFileActions } from "../action.ts";
import { commandLine } from "./command-line.ts";
import { checkShape, oneOf } from "./json-shape.ts";
import { exactBody, ownInput } from "./own-json.ts";

const text = z.string();
const argv = z.array(text).min(1, { error: "the program is missing" });
/** A text is its content. */
const content = z.union([text.transform((one) => ({ text: one })), exactBody]).exactOptional();
const number = z.int().nonnegative().exactOptional();

const exec = z.strictObject({
  kind: z.literal("ssh.exec").optional(),
  command: z.union([text, argv]).optional(),
  argv: argv.optional(),
  tty: z.boolean().exactOptional(),
  stdin: content,
  ...ownInput,
});
const file = z.strictObject({
  kind: z.literal("ssh.file").optional(),
  action: z.enum(sshFileActions),
  path: text,
  to: text.exactOptional(),
  content,
  attributes: z
    .strictObject({ size: number, uid: number, gid: number, mode: number, accessed: number, modified: number })
    .exactOptional(),
  ...ownInput,
});
const subsystem = z.strictObject({ kind: z.literal("ssh.subsystem").optional(), subsystem: text, ...ownInput });

/** Reads a command line, or an object of a command, a file operation or a subsystem. */
export function readSsh(value: unknown): SshExec | SshFile | SshSubsystem {
  if (typeof value === "string") return { kind: "ssh.exec", command: value };
  const what = "an ssh operation";
  if (typeof value === "object" && value !== null) {
    if ("subsystem" in value) return { ...checkShape(what, value, subsystem), kind: "ssh.subsystem" };
    if ("action" in value) return { ...checkShape(what, value, file), kind: "ssh.file" };
  }
  const { command, argv: words, ...rest } = checkShape(what, value, exec);
  const asked = oneOf(what, { command, argv: words });
  return { ...rest, kind: "ssh.exec", command: typeof asked === "string" ? asked : commandLine(asked) };
}
