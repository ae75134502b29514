import type { Exit } from "@countersign/policy";
import type { ClientChannel } from "ssh2";

/**
 * The channel of a command that has been started. It listens from the turn in which the host says so: a short command's output, its exit status and
 * the end of its channel may be in the same packet (RFC 4254 §6.10).
 */
export class CommandChannel {
  readonly channel: ClientChannel;
  /** Resolves when the channel has ended. */
  readonly closed: Promise<void>;
  #exit: Exit | undefined;

  constructor(channel: ClientChannel) {
    this.channel = channel;
    channel.on("exit", (code: number | null, signal?: string) => {
      // A command that a signal ended has no code.
      this.#exit = code === null ? { signal: (signal ?? "").replace(/^SIG/, "") } : { code };
    });
    channel.on("error", () => {});
    this.closed = new Promise((resolve) => channel.once("close", () => resolve()));
  }

  /** How the command ended; undefined when the host has not said so, or not yet. */
  get exit(): Exit | undefined {
    return this.#exit;
  }
}
