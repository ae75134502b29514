import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { Instance } from "./instance.ts";
import { Sshd } from "./sshd.ts";

/** Commands that read run; restarts of services wait for a person; files below the home may be read, and written after approval. */
const sshPolicy = (home: string) => `version: 1
rules:
  - id: looking-is-free
    resources: [web-1]
    when: ssh.readOnly && !ssh.network && ssh.file == ""
    effect: allow
    role: operator
  - id: scripts-of-the-test
    resources: [web-1]
    when: '!ssh.readOnly && ssh.programs.exists(p, p == "sh") && ssh.file == ""'
    effect: allow
    opaque: true
    role: fixed
    limits: { bytes: 300MB }
  - id: changes-need-a-human
    resources: [web-1]
    when: ssh.programs.exists(p, p in ["touch", "tee", "rm", "cp"])
    effect: review
    role: operator
    approval: { stages: [{ approvers: [group:dba-oncall] }] }
  - id: files-may-be-read
    resources: [web-1]
    when: ssh.file in ["read", "list", "stat", "real-path"] && ssh.paths.all(p, p.startsWith("${home}"))
    effect: allow
    role: operator
  - id: files-are-written-after-a-look
    resources: [web-1]
    when: ssh.file == "write"
    effect: review
    role: operator
    approval: { stages: [{ approvers: [group:dba-oncall] }] }
  - id: never
    resources: [web-1]
    when: ssh.programs.exists(p, p in ["reboot"])
    effect: deny
    message: Ask the platform team.
`;

/** An instance with one SSH target whose sshd trusts its authority, beside a role with a fixed key. */
export interface SshWorld extends AsyncDisposable {
  readonly sshd: Sshd;
  readonly instance: Instance;
  /** The private key by which the listener knows an agent. */
  readonly agentKey: string;
  /** The private key of the authority whose certificates the listener takes. */
  readonly userAuthority: string;
  /** Where the listener is, when there is one. */
  readonly ssh: { readonly address: string; readonly hostKey: string };
}

/** Runs a program of OpenSSH's, or another, to its end. */
export function program(
  name: string,
  args: readonly string[],
  { input, cwd, env }: { readonly input?: string | Buffer; readonly cwd?: string; readonly env?: NodeJS.ProcessEnv } = {},
): Promise<{ code: number | null; signal: NodeJS.Signals | null; stdout: Buffer; stderr: string }> {
  const child = spawn(name, args, {
    stdio: ["pipe", "pipe", "pipe"],
    ...(cwd && { cwd }),
    ...(env && { env: { ...process.env, ...env } }),
  });
  const stdout: Buffer[] = [];
  let stderr = "";
  child.stdout.on("data", (data: Buffer) => stdout.push(data));
  child.stderr.on("data", (data: Buffer) => (stderr += data.toString()));
  child.stdin.on("error", () => {});
  child.stdin.end(input ?? "");
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code, signal) => resolve({ code, signal, stdout: Buffer.concat(stdout), stderr }));
  });
}

/** Starts both. */
export async function sshWorld(
  options: {
    readonly policy?: string;
    readonly config?: string;
    readonly shares?: Instance;
    readonly listens?: boolean;
    readonly program?: readonly string[];
  } = {},
): Promise<SshWorld> {
  await using parts = new AsyncDisposableStack();
  const sshd = parts.use(await Sshd.start());
  const key = sshd.keyPair("fixed");
  sshd.authorize([readFileSync(`${key}.pub`, "utf8").trim()]);
  const [agentKey, userAuthority] = [sshd.keyPair("agent"), sshd.keyPair("user-ca")];
  const publicKey = (path: string) => readFileSync(`${path}.pub`, "utf8").trim();
  const listener = `sidecar:
  ssh:
    - tcp: 127.0.0.1:0
      keys: [{ key: "${publicKey(agentKey)}", principal: { subject: ssh-agent } }]
      authorities: ["${publicKey(userAuthority)}"]
`;
  const instance = parts.use(
    await Instance.start({
      policy: options.policy ?? sshPolicy(sshd.home),
      config: `  - name: web-1
    type: ssh
    address: ${sshd.address}
    hostKeys: ["${sshd.hostKey}"]
    roles:
      operator: { user: ${sshd.user}, certificate: {} }
      fixed: { user: ${sshd.user}, key: { file: ${key} } }
${options.listens ? listener : ""}${options.config ?? ""}`,
      ...(options.shares && { shares: options.shares }),
      ...(options.program && { program: options.program }),
    }),
  );
  const printed = await instance.cli("ssh", "ca", "--json");
  const { keys } = JSON.parse(printed.stdout) as { keys: { publicKey: string }[] };
  sshd.trust(keys.map(({ publicKey }) => publicKey));
  const all = parts.move();
  const ssh = instance.at.ssh[0] ?? { address: "", hostKey: "" };
  return { sshd, instance, agentKey, userAuthority, ssh, [Symbol.asyncDispose]: () => all.disposeAsync() };
}
