import { generateKeyPairSync } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { resolve } from "node:path";
import { CliError, type ExitCode, exitCodes } from "../../exit.ts";
import { line, type Terminal } from "../../terminal/terminal.ts";
import { action, describe, type MakeCommand } from "../command.ts";

/** `countersign policy keygen` */
export const keygenCommand: MakeCommand = (context) =>
  describe(
    "keygen <KEYFILE>",
    "make a key that signs bundles",
    "Writes a new Ed25519 private key (PEM, readable by you alone) and prints its public key, for `policyKeys` in the configuration. Keep the private key off the machine that runs Countersign.",
    [["countersign policy keygen policy-key.pem"]],
  ).action(action(context, (file: string) => keygen(context.terminal, file)));

async function keygen(terminal: Terminal, file: string): Promise<ExitCode> {
  const { publicKeyText } = await import("@countersign/policy");
  const { privateKey } = generateKeyPairSync("ed25519");
  try {
    const text = privateKey.export({ type: "pkcs8", format: "pem" });
    await writeFile(resolve(terminal.cwd, file), text, { flag: "wx", mode: 0o600, flush: true });
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new CliError(exitCodes.failure, `The key was not written: ${reason}`, { cause });
  }
  line(terminal.stdout, publicKeyText(privateKey));
  line(terminal.stderr, `The private key is in ${file}. Put the public key under policyKeys in countersign.yaml.`);
  return exitCodes.ok;
}
