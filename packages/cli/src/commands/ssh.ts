import type { AuthorityKey, AuthorityStep } from "@countersign/sidecar";
import { Argument } from "commander";
import { type ExitCode, exitCodes } from "../exit.ts";
import { dataFolder, type InstanceOptions } from "../instance.ts";
import { line, type Terminal } from "../terminal/terminal.ts";
import { action, describe, type MakeCommand, withInstance } from "./command.ts";

interface CaOptions extends InstanceOptions {
  readonly json?: true;
}

const steps: readonly AuthorityStep[] = ["rotate", "switch", "retire"];

/** `countersign ssh` */
export const sshCommand: MakeCommand = (context) => {
  const { terminal } = context;
  const parent = describe(
    "ssh",
    "manage what SSH targets trust",
    "The authority that certifies the SSH logins of this instance.",
  );
  const ca = describe(
    "ca",
    "print the keys that targets must trust, or rotate them",
    [
      "Prints the public keys of the authority that certifies every SSH command, for sshd's TrustedUserCAKeys. The authority is made with the first use.",
      "A rotation has three steps, and at each of them every target trusts the key that signs:",
      "  rotate  makes the next key; it signs nothing yet, so that all targets can be told to trust it too",
      "  switch  signs with the next key; the old one is still trusted",
      "  retire  drops the old key; targets may forget it",
    ].join("\n"),
    [
      ["countersign ssh ca > countersign_ca.pub"],
      ["countersign ssh ca --json"],
      ["countersign ssh ca rotate", "and later switch, and retire"],
    ],
  )
    .addArgument(new Argument("[STEP]", "a step of a rotation").choices(steps))
    .option("--json", "print JSON");
  parent.addCommand(
    withInstance(ca).action(
      action(context, (step: AuthorityStep | undefined, options: CaOptions) => authorityKeys(terminal, step, options)),
    ),
  );
  return parent;
};

async function authorityKeys(terminal: Terminal, step: AuthorityStep | undefined, options: CaOptions): Promise<ExitCode> {
  const { sshAuthority } = await import("../ssh-authority.ts");
  const authority = sshAuthority(dataFolder(terminal, options), Date.now);
  const keys = step === undefined ? await authority.keys() : await authority.step(step);
  if (options.json) line(terminal.stdout, JSON.stringify({ keys: keys.map(shown) }));
  else for (const key of keys) line(terminal.stdout, key.line);
  if (!options.json && step === undefined) for (const one of advice) line(terminal.stderr, one);
  return exitCodes.ok;
}

const advice = [
  "",
  "On every target: put these lines into a file that only root can write, e.g. /etc/ssh/countersign_ca.pub, and into sshd_config",
  "  TrustedUserCAKeys /etc/ssh/countersign_ca.pub",
  "then reload sshd. A certificate names the role's user as its principal, or what `principals` of the role says.",
  "File operations need sshd's own `Subsystem sftp` line.",
];

function shown({ state, createdMs, line: text, fingerprint }: AuthorityKey): object {
  return { state, created: new Date(createdMs).toISOString(), publicKey: text, fingerprint };
}
