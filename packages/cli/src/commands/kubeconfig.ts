import { mkdir, open, readFile, realpath, rename } from "node:fs/promises";
import { delimiter, dirname, join, resolve } from "node:path";
import { CliError, type ExitCode, exitCodes } from "../exit.ts";
import { dataFolder, type InstanceOptions, readAddresses } from "../instance.ts";
import type { ClusterAccess, Kubeconfig } from "../kubeconfig.ts";
import { readText } from "../named-file.ts";
import { line, type Terminal, write } from "../terminal/terminal.ts";
import { action, describe, type MakeCommand, withInstance } from "./command.ts";

interface KubeconfigOptions extends InstanceOptions {
  readonly out?: string;
  readonly merge?: string | true;
  readonly namespace?: string;
  readonly tokenFile?: string;
  readonly address?: string;
  readonly tlsCa?: string;
  readonly json?: true;
}

/** `countersign kubeconfig` */
export const kubeconfigCommand: MakeCommand = (context) =>
  withInstance(
    describe(
      "kubeconfig <RESOURCE>",
      "make a kubeconfig for a cluster, as an agent",
      "Prints a kubeconfig with which kubectl and client libraries reach a cluster through the sidecar: every request is decided, held for approval\nwhere the policy says so, and recorded. There is no secret in it: kubectl calls `countersign kubernetes token` for the agent's token.",
      [
        ["countersign kubeconfig prod --out prod.yaml", "then: KUBECONFIG=prod.yaml kubectl get pods"],
        ["countersign kubeconfig prod --merge", "then: kubectl --context countersign-prod get pods"],
        ["countersign kubeconfig prod --address https://sidecar.internal:6443/clusters/prod --tls-ca ca.pem"],
      ],
    )
      .option("--out <FILE>", "write a new file")
      .option("--merge [FILE]", "add it to a kubeconfig (default: the first of KUBECONFIG, or ~/.kube/config)")
      .option("--namespace <NAME>", "the namespace of commands that name none")
      .option("--token-file <FILE>", "where the agent's token is (default: in COUNTERSIGN_TOKEN)")
      .option("--address <URL>", "the cluster's address at the sidecar's listener (default: the running instance's)")
      .option("--tls-ca <FILE>", "with --address: who signed the listener's certificate (default: the system's authorities)")
      .option("--json", "print JSON"),
  ).action(
    action(context, (resource: string, options: KubeconfigOptions) => makeKubeconfig(context.terminal, resource, options)),
  );

async function makeKubeconfig(terminal: Terminal, resource: string, options: KubeconfigOptions): Promise<ExitCode> {
  const { out, merge, json } = options;
  if (out !== undefined && merge !== undefined)
    throw new CliError(exitCodes.usage, "--out makes a new file, --merge adds to one: use one of them.");
  const { kubeconfig } = await import("../kubeconfig.ts");
  const made = kubeconfig(await accessTo(terminal, resource, options));
  const context = made["current-context"];
  if (out === undefined && merge === undefined) {
    const { stringify } = await import("yaml");
    await write(terminal.stdout, json ? `${JSON.stringify(made)}\n` : stringify(made, { lineWidth: 0 }));
    return exitCodes.ok;
  }
  const file = out !== undefined ? await writeNew(resolve(terminal.cwd, out), made) : await mergeInto(terminal, merge, made);
  if (json) line(terminal.stdout, JSON.stringify({ file, context }));
  else line(terminal.stderr, `Wrote ${file}. Try: kubectl --kubeconfig ${file} --context ${context} get pods`);
  return exitCodes.ok;
}

async function accessTo(terminal: Terminal, resource: string, options: KubeconfigOptions): Promise<ClusterAccess> {
  const { namespace, tokenFile, address, tlsCa } = options;
  const given = { resource, namespace, tokenFile: tokenFile === undefined ? undefined : resolve(terminal.cwd, tokenFile) };
  if (address !== undefined) {
    if (!/^https:\/\/[^/]/.test(address) || !URL.canParse(address))
      throw new CliError(
        exitCodes.usage,
        `--address ${JSON.stringify(address)} is not https://HOST:PORT or https://HOST:PORT/clusters/NAME.`,
      );
    const ca = tlsCa === undefined ? undefined : await readText(resolve(terminal.cwd, tlsCa), "the certificate authority");
    return { ...given, server: address, ca };
  }
  if (tlsCa !== undefined) throw new CliError(exitCodes.usage, "--tls-ca belongs to --address.");
  const { kubernetes } = await readAddresses(dataFolder(terminal, options));
  if (kubernetes.length === 0)
    throw new CliError(
      exitCodes.unreachable,
      "Countersign runs, but gives kubectl no way to a cluster.\nAdd `kubernetes: [{ tcp: 127.0.0.1:6443 }]` below `sidecar` in countersign.yaml and a resource of `type: kubernetes`, and restart `countersign up`.",
    );
  const found = kubernetes.find((one) => one.resource === resource);
  if (found !== undefined) return { ...given, server: found.server, ca: found.ca };
  const names = [...new Set(kubernetes.map((one) => one.resource))].join(", ");
  throw new CliError(exitCodes.usage, `No listener leads to a cluster ${JSON.stringify(resource)}; there is ${names}.`);
}

/** Never over another file: it may be the only one with somebody's own access. */
async function writeNew(file: string, made: Kubeconfig): Promise<string> {
  const { stringify } = await import("yaml");
  try {
    await using handle = await open(file, "wx", 0o600);
    await handle.writeFile(stringify(made, { lineWidth: 0 }));
  } catch (cause) {
    const isThere = cause instanceof Error && "code" in cause && cause.code === "EEXIST";
    const why = isThere ? `it exists; to add to it: --merge ${file}` : cause instanceof Error ? cause.message : String(cause);
    throw new CliError(exitCodes.usage, `Cannot write ${file}: ${why}`, { cause });
  }
  return file;
}

async function mergeInto({ cwd, env, now }: Terminal, named: string | true | undefined, made: Kubeconfig): Promise<string> {
  const { mergeKubeconfig } = await import("../kubeconfig.ts");
  const [first] = (env.KUBECONFIG ?? "").split(delimiter).filter((one) => one !== "");
  const asked = typeof named === "string" ? named : (first ?? join(env.HOME ?? "", ".kube", "config"));
  const plain = resolve(cwd, asked);
  // A link stays a link.
  const file = await realpath(plain).catch(() => plain);
  const merged = mergeKubeconfig(await readFile(file, "utf8").catch(absent), made, file);
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  // Whoever reads it meanwhile sees the old one or the new one.
  const next = `${file}.${now()}.new`;
  {
    await using handle = await open(next, "wx", 0o600);
    await handle.writeFile(merged);
  }
  await rename(next, file);
  return file;
}

function absent(error: unknown): string {
  if (error instanceof Error && "code" in error && error.code === "ENOENT") return "";
  throw new CliError(exitCodes.usage, `Cannot read the kubeconfig: ${error instanceof Error ? error.message : String(error)}`, {
    cause: error,
  });
}
