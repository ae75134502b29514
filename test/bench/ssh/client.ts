import { readFileSync } from "node:fs";
import { join } from "node:path";
import ssh2, { type ClientChannel, type Client as Ssh2Client } from "ssh2";
import { algorithms } from "../../../packages/sidecar/src/protocols/ssh/algorithms.ts";
import type { SshWorld } from "../../harness/ssh-world.ts";

/** ssh2 to sshd, with the key that the sidecar has for its role, and with the algorithms that the sidecar uses. */
export function toSshd({ sshd }: SshWorld): Promise<Client> {
  const port = String(sshd.port);
  return Client.open({ host: "127.0.0.1", port, username: sshd.user, key: join(sshd.folder, "fixed") });
}

/** ssh2 to the listener, as an agent. */
export function toListener({ ssh, agentKey }: SshWorld): Promise<Client> {
  const [host = "", port = ""] = ssh.address.split(":");
  return Client.open({ host, port, username: "web-1", key: agentKey });
}

interface Login {
  readonly host: string;
  readonly port: string;
  readonly username: string;
  /** The path of a private key. */
  readonly key: string;
}

/** One connection of ssh2's. */
export class Client implements Disposable {
  readonly #client: Ssh2Client;

  private constructor(client: Ssh2Client) {
    this.#client = client;
  }

  static async open({ host, port, username, key }: Login): Promise<Client> {
    const client = new ssh2.Client();
    await new Promise<void>((resolve, reject) => {
      client.once("ready", resolve).once("error", reject);
      client.connect({ host, port: Number(port), username, privateKey: readFileSync(key), algorithms });
    });
    client.setNoDelay(true);
    client.on("error", () => {});
    return new Client(client);
  }

  /** Starts a command. */
  start(command: string): Promise<ClientChannel> {
    return new Promise((resolve, reject) => {
      this.#client.exec(command, (error, channel) => (error === undefined ? resolve(channel) : reject(error)));
    });
  }

  /** Runs a command to its end; gives how many bytes it wrote. */
  run(command: string): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#client.exec(command, (error, channel) => {
        if (error !== undefined) return reject(error);
        let bytes = 0;
        let code: number | null = null;
        // Listened for at once: a short command's end may be in the same packet as the word that it runs.
        channel.on("exit", (status: number | null) => {
          code = status;
        });
        channel.on("data", (data: Buffer) => {
          bytes += data.length;
        });
        channel.once("close", () => (code === 0 ? resolve(bytes) : reject(new Error(`${command} ended with ${code}`))));
        channel.stderr.resume();
        channel.end();
      });
    });
  }

  [Symbol.dispose](): void {
    this.#client.end();
  }
}
