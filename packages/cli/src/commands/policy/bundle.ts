import { createPrivateKey, type KeyObject } from "node:crypto";
import { rename, writeFile } from "node:fs/promises";
import { resolve } from "node:path";
import { CliError, type ExitCode, exitCodes } from "../../exit.ts";
import { readText } from "../../named-file.ts";
import { line, paint, type Terminal } from "../../terminal/terminal.ts";
import { action, collect, describe, type MakeCommand, parseDuration } from "../command.ts";
import type { PolicyOptions } from "./policy-options.ts";

interface BundleOptions extends PolicyOptions {
  readonly out: string;
  readonly sign?: readonly string[];
  readonly bundleVersion?: string;
  readonly expires?: string;
  readonly public?: true;
}

/** `countersign policy bundle` */
export const bundleCommand: MakeCommand = (context) =>
  describe(
    "bundle",
    "put a policy into one file, signed",
    "Checks the rules and writes them, with all that they include, to one file that `policy:` in the configuration may name instead.\nWith `policyKeys` there, only a bundle that one of those keys signed is used.",
    [
      ["countersign policy bundle --out policy.bundle --sign policy-key.pem"],
      ["countersign policy bundle --out policy.bundle --sign old.pem --sign new.pem", "while one key takes over from another"],
      ["countersign policy bundle --out for-agents.bundle --public", "without what is marked private: to be read, not enforced"],
    ],
  )
    .option("--policy <FILE>", "a policy file; repeat it for several (default: those of the configuration)", collect)
    .option("--config <FILE>", "the configuration (default: ./countersign.yaml, when no --policy is given)")
    .requiredOption("--out <FILE>", "the file to write; it is replaced as a whole")
    .option("--sign <KEYFILE>", "an Ed25519 private key in PEM, as `policy keygen` writes it; repeat it for several", collect)
    .option("--bundle-version <N>", "grows with every bundle: an older one is refused (default: the time, in seconds)")
    .option("--expires <DURATION>", "for how long it may be taken into use, e.g. 30d (default: for ever)")
    .option("--public", "leave out what is marked private")
    .action(action(context, (options: BundleOptions) => bundle(context.terminal, options)));

async function bundle(terminal: Terminal, options: BundleOptions): Promise<ExitCode> {
  const [{ createBundle, keyIdOf, publicPolicy }, { openPolicy }] = await Promise.all([
    import("@countersign/policy"),
    import("./policy-files.ts"),
  ]);
  const { policy } = await openPolicy(terminal, options);
  const keys = await Promise.all((options.sign ?? []).map((file) => readKey(resolve(terminal.cwd, file))));
  const issuedMs = terminal.now();
  const version = options.bundleVersion === undefined ? Math.floor(issuedMs / 1000) : versionOf(options.bundleVersion);
  const shown = options.public ? publicPolicy(policy) : { files: policy.files, partial: false };
  const terms = {
    ...{ version, issuedMs },
    ...(options.expires === undefined ? {} : { expiresMs: issuedMs + parseDuration("--expires", options.expires) }),
    ...(shown.partial ? { partialOf: policy.digest } : {}),
  };
  const out = resolve(terminal.cwd, options.out);
  await replace(out, createBundle(shown.files, terms, keys));
  const files = Object.keys(shown.files).length;
  line(terminal.stdout, `${paint(terminal.stdout, "green", "wrote")}  ${options.out}`);
  line(
    terminal.stdout,
    `${policy.digest}, version ${version}, ${files} ${files === 1 ? "file" : "files"}${shown.partial ? ", without what is private" : ""}`,
  );
  for (const key of keys) line(terminal.stdout, `signed by ${keyIdOf(key)}`);
  if (keys.length === 0) line(terminal.stderr, "It is not signed: whoever can write the file can change the policy. See --sign.");
  return exitCodes.ok;
}

function versionOf(text: string): number {
  const version = Number(text);
  if (/^\d+$/.test(text) && Number.isSafeInteger(version) && version > 0) return version;
  throw new CliError(exitCodes.usage, `--bundle-version ${JSON.stringify(text)} is not a whole number from 1.`);
}

/** @throws {CliError} usage. The cause is left out: it might quote the file. */
async function readKey(file: string): Promise<KeyObject> {
  const text = await readText(file, "the key");
  try {
    const key = createPrivateKey(text);
    if (key.asymmetricKeyType === "ed25519") return key;
  } catch {
    // Told below.
  }
  throw new CliError(exitCodes.usage, `${file} holds no Ed25519 private key in PEM. \`countersign policy keygen\` makes one.`);
}

/** Whole or not at all: a running instance may be reading it. */
async function replace(file: string, bytes: Uint8Array): Promise<void> {
  const draft = `${file}.${process.pid}.tmp`;
  await writeFile(draft, bytes, { mode: 0o644, flush: true });
  await rename(draft, file);
}
