import { resolve } from "node:path";
import { CliError, type ExitCode, exitCodes } from "../exit.ts";
import { line, type Terminal } from "../terminal/terminal.ts";
import { action, describe, type MakeCommand } from "./command.ts";

interface TokenOptions {
  readonly tokenFile?: string;
}

/** `countersign kubernetes` */
export const kubernetesCommand: MakeCommand = (context) => {
  const parent = describe("kubernetes", "give kubectl the agent's token", "What kubeconfigs of `countersign kubeconfig` call.");
  parent.addCommand(
    describe(
      "token",
      "print the agent's token as kubectl wants it",
      "Prints an ExecCredential (client.authentication.k8s.io/v1) with the agent's token from COUNTERSIGN_TOKEN, or from a file that whoever renews\nthe token writes anew. kubectl calls it by itself; the cluster's own credential is never in it.",
      [["countersign kubernetes token --token-file /var/run/agent/token"]],
    )
      .option("--token-file <FILE>", "where the token is (default: in COUNTERSIGN_TOKEN)")
      .action(action(context, (options: TokenOptions) => printCredential(context.terminal, options))),
  );
  return parent;
};

async function printCredential(terminal: Terminal, { tokenFile }: TokenOptions): Promise<ExitCode> {
  const [{ execCredential }, { readText }] = await Promise.all([import("../exec-credential.ts"), import("../named-file.ts")]);
  const { COUNTERSIGN_TOKEN: variable = "", KUBERNETES_EXEC_INFO: info } = terminal.env;
  if (tokenFile === undefined && variable === "")
    throw new CliError(
      exitCodes.usage,
      "COUNTERSIGN_TOKEN is not set: it is the agent's token, which kubectl shows to the sidecar.\nIn development: export COUNTERSIGN_TOKEN=$(countersign token --subject NAME)",
    );
  const token = tokenFile === undefined ? variable : await readText(resolve(terminal.cwd, tokenFile), "the agent's token");
  line(terminal.stdout, JSON.stringify(execCredential(token.trim(), info, terminal.now())));
  return exitCodes.ok;
}
