import { spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { SshWorld } from "../../harness/ssh-world.ts";

/** The ways to a host by OpenSSH's client: straight, through a jump host, and through Countersign. */
export type Way = "direct" | "jumped" | "guarded";

/** OpenSSH's client with one master connection for each way, so that what follows is measured without the login. */
export class OpenSsh implements AsyncDisposable {
  readonly #config: string;

  private constructor(config: string) {
    this.#config = config;
  }

  static async open(world: SshWorld): Promise<OpenSsh> {
    const { sshd, agentKey, ssh } = world;
    const [, port = ""] = ssh.address.split(":");
    const config = join(sshd.folder, "client_config");
    const host = (name: string, to: string, user: string, key: string, ...more: readonly string[]) =>
      [`Host ${name}`, "HostName 127.0.0.1", `Port ${to}`, `User ${user}`, `IdentityFile ${key}`, ...more].join("\n  ");
    const fixed = join(sshd.folder, "fixed");
    const reused = ["ControlMaster auto", "ControlPersist 600", `ControlPath ${join(sshd.folder, "%k-%p-%n")}`];
    writeFileSync(
      config,
      [
        host("direct", `${sshd.port}`, sshd.user, fixed, ...reused),
        host("jump", `${sshd.port}`, sshd.user, fixed),
        host("jumped", `${sshd.port}`, sshd.user, fixed, "ProxyJump jump", ...reused),
        host("guarded", port, "web-1", agentKey, ...reused),
        host("*", "22", "nobody", fixed, "IdentitiesOnly yes", "BatchMode yes", "StrictHostKeyChecking no").replace(
          /\n {2}(HostName|Port|User|IdentityFile)[^\n]*/g,
          "",
        ),
        "  UserKnownHostsFile /dev/null",
        "  LogLevel ERROR",
        "",
      ].join("\n"),
    );
    const client = new OpenSsh(config);
    for (const way of ["direct", "jumped", "guarded"] as const) await client.run(way, "true");
    return client;
  }

  /** Runs a command to its end, its output thrown away; gives how long it took, milliseconds. */
  run(way: Way, command: string): Promise<number> {
    return this.#ssh([way, command]);
  }

  #ssh(args: readonly string[]): Promise<number> {
    const began = performance.now();
    // Not `-n`: the master connection reads the standard input of whoever asks it.
    const child = spawn("ssh", ["-F", this.#config, ...args], { stdio: ["ignore", "ignore", "pipe"] });
    let said = "";
    child.stderr.on("data", (data: Buffer) => {
      said += data.toString();
    });
    return new Promise((resolve, reject) => {
      child.once("error", reject);
      child.once("exit", (code) =>
        code === 0 ? resolve(performance.now() - began) : reject(new Error(`ssh ${args.join(" ")} ended with ${code}: ${said}`)),
      );
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const way of ["direct", "jumped", "guarded"]) await this.#ssh(["-O", "exit", way]).catch(() => {});
  }
}
