import { readFileSync } from "node:fs";
import ssh2, { type ClientChannel } from "ssh2";
import { expect } from "vitest";
import type { SshWorld } from "./ssh-world.ts";

/** A terminal of a client that asks for the target's shell as soon as it is logged in. */
export class Terminal {
  shown = "";
  readonly channel: ClientChannel;
  /** When it ended, and how. */
  readonly closed: Promise<{ readonly atMs: number; readonly status: number | undefined }>;

  constructor(client: InstanceType<typeof ssh2.Client>, channel: ClientChannel) {
    this.channel = channel;
    let status: number | undefined;
    const decoder = new TextDecoder();
    const show = (data: Buffer) => {
      this.shown += decoder.decode(data, { stream: true });
    };
    channel.on("data", show);
    channel.stderr.on("data", show);
    channel.on("exit", (code: number) => {
      status = code;
    });
    this.closed = new Promise((resolve) => channel.once("close", () => resolve({ atMs: performance.now(), status })));
    void this.closed.then(() => client.end());
  }

  /** Waits until it shows something. */
  async until(text: string | RegExp): Promise<void> {
    await expect.poll(() => this.shown, { timeout: 10_000, interval: 10 }).toMatch(text);
  }

  type(text: string): void {
    this.channel.write(text);
  }
}

/**
 * Logs in and asks for a shell in a terminal of 91 × 31.
 *
 * @param subject with a token; absent = with the agent's key.
 */
export async function openTerminal(world: SshWorld, subject?: string): Promise<Terminal> {
  const [host = "", port] = world.ssh.address.split(":");
  const client = new ssh2.Client();
  client.on("error", () => {});
  const way =
    subject === undefined
      ? { privateKey: readFileSync(world.agentKey) }
      : { password: (await world.instance.cli("token", "--subject", subject)).stdout.trim() };
  const { promise, resolve, reject } = Promise.withResolvers<Terminal>();
  client.once("ready", () =>
    client.shell({ cols: 91, rows: 31, width: 0, height: 0, term: "xterm" }, (error, channel) => {
      if (error) reject(error);
      else resolve(new Terminal(client, channel));
    }),
  );
  client.connect({ host, port: Number(port), username: "web-1", ...way });
  return promise;
}
