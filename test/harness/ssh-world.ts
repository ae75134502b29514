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
}

/** Starts both. */
export async function sshWorld(
  options: { readonly policy?: string; readonly config?: string; readonly shares?: Instance } = {},
): Promise<SshWorld> {
  await using parts = new AsyncDisposableStack();
  const sshd = parts.use(await Sshd.start());
  const key = sshd.keyPair("fixed");
  sshd.authorize([readFileSync(`${key}.pub`, "utf8").trim()]);
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
${options.config ?? ""}`,
      ...(options.shares && { shares: options.shares }),
    }),
  );
  const printed = await instance.cli("ssh", "ca", "--json");
  const { keys } = JSON.parse(printed.stdout) as { keys: { publicKey: string }[] };
  sshd.trust(keys.map(({ publicKey }) => publicKey));
  const all = parts.move();
  return { sshd, instance, [Symbol.asyncDispose]: () => all.disposeAsync() };
}
