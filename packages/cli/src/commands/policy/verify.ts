import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import type { OpenedBundle } from "@countersign/policy";
import { CliError, type ExitCode, exitCodes } from "../../exit.ts";
import { line, paint, type Terminal } from "../../terminal/terminal.ts";
import { action, collect, describe, type MakeCommand } from "../command.ts";

interface VerifyOptions {
  readonly key?: readonly string[];
  readonly json?: true;
}

/** `countersign policy verify` */
export const verifyCommand: MakeCommand = (context) =>
  describe(
    "verify <BUNDLE>",
    "check a bundle and who signed it",
    "Checks that a bundle is whole, in its time, signed by one of the keys, and that its rules can be loaded. Ends with status 1 when not.",
    [["countersign policy verify policy.bundle --key ed25519:5YGz…"]],
  )
    .option(
      "--key <KEY>",
      "a public key, as `policy keygen` prints it; repeat it for several. Without one, signatures are not looked at",
      collect,
    )
    .option("--json", "as JSON, without the files")
    .action(action(context, (file: string, options: VerifyOptions) => verify(context.terminal, file, options)));

async function verify(terminal: Terminal, file: string, options: VerifyOptions): Promise<ExitCode> {
  const path = resolve(terminal.cwd, file);
  const bytes = await readFile(path).catch((cause) => {
    throw new CliError(exitCodes.usage, `Cannot read the bundle: ${cause instanceof Error ? cause.message : String(cause)}`, {
      cause,
    });
  });
  const { BundleError, loadPolicy, openBundle, parsePublicKey } = await import("@countersign/policy");
  const trustedKeys = options.key?.map((text) => parsePublicKey(text) ?? noKey(text));
  const { stdout } = terminal;
  try {
    const bundle = openBundle(bytes, { nowMs: terminal.now(), ...(trustedKeys && { trustedKeys }) });
    loadPolicy(bundle.files);
    if (options.json) line(stdout, JSON.stringify({ ok: true, ...summary(bundle) }, null, 2));
    else print(terminal, bundle);
    return exitCodes.ok;
  } catch (error) {
    if (!(error instanceof BundleError)) throw error;
    if (options.json) line(stdout, JSON.stringify({ ok: false, code: error.code, message: error.message }, null, 2));
    else line(stdout, `${paint(stdout, "red", "The bundle is not to be used:")} ${error.message}`);
    return exitCodes.failure;
  }
}

function summary({ files, ...rest }: OpenedBundle): object {
  return { ...rest, files: Object.keys(files) };
}

function print({ stdout }: Terminal, { digest, version, issuedMs, expiresMs, partial, files, signedBy }: OpenedBundle): void {
  const until = expiresMs === undefined ? "" : `, until ${new Date(expiresMs).toISOString()}`;
  line(stdout, `${paint(stdout, "green", "The bundle is whole:")} ${digest}`);
  line(stdout, `version ${version}, issued ${new Date(issuedMs).toISOString()}${until}`);
  line(
    stdout,
    `files: ${Object.keys(files).join(", ")}${partial ? " (private rules were left out: it cannot be enforced)" : ""}`,
  );
  for (const id of signedBy) line(stdout, `signed by ${id}`);
  if (signedBy.length === 0) line(stdout, paint(stdout, "yellow", "Signatures were not looked at: no --key was given."));
}

function noKey(text: string): never {
  const message = `${JSON.stringify(text)} is not a public key as \`countersign policy keygen\` prints it: \`ed25519:…\`.`;
  throw new CliError(exitCodes.usage, message);
}
