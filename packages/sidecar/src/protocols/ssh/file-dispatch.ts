import { CountersignError, type Failure, type Json, type Outcome, type SshFile } from "@countersign/policy";
import type { SFTPWrapper } from "ssh2";
import type { Dispatch, ResultSink } from "../connector.ts";
import { Stop } from "../stop.ts";
import { type DispatchParts, failureOf } from "./command-dispatch.ts";
import { lostFailure, refusedFailure, stopFailures, unknownFailure } from "./failure.ts";
import { fileActions } from "./file-actions.ts";
import type { LoggedIn } from "./login.ts";
import { Output } from "./output.ts";
import type { Lease } from "./pool.ts";

type Ending = Pick<Outcome, "state" | "failure">;

/**
 * One file operation on its way, over SFTP. With a certificate, sshd is forced into a file server of its own that takes only the kinds of request that
 * the operation needs (`internal-sftp -p`), and where it only reads, none that writes (`-R`).
 */
export class FileDispatch implements Dispatch {
  readonly #operation: SshFile;
  readonly #parts: DispatchParts;
  readonly #stop: Stop;
  readonly #startedMs: number;
  #lease: Lease | undefined;
  #loggedIn: LoggedIn | undefined;
  #isHealthy = false;

  constructor(operation: SshFile, parts: DispatchParts) {
    this.#operation = operation;
    this.#parts = parts;
    this.#stop = new Stop(parts.signal, stopFailures);
    this.#startedMs = parts.now();
  }

  /** As for a command. */
  async prepare(): Promise<Json> {
    const { acquire, login, signal } = this.#parts;
    const { requests, writes } = fileActions[this.#operation.action];
    this.#lease = await acquire(signal);
    const forceCommand = `internal-sftp ${writes ? "" : "-R "}-p ${requests.join(",")}`;
    this.#loggedIn = await login.prepare({ forceCommand, terminal: false, forwarding: false });
    this.#isHealthy = true;
    return { hostKey: this.#lease.transport.hostKey, ...this.#loggedIn.marker };
  }

  async run(sink: ResultSink): Promise<Outcome> {
    const { limits } = this.#parts;
    if (limits.timeMs !== undefined) this.#stop.after(limits.timeMs, this.#elapsedMs());
    const output = new Output(sink, limits, this.#stop);
    const ending = await this.#run(output);
    await output.drained();
    return { ...ending, rows: 0, bytes: output.bytes, durationMs: this.#elapsedMs() };
  }

  async close(): Promise<void> {
    this.#stop[Symbol.dispose]();
    this.#lease?.giveBack(this.#isHealthy);
    this.#lease = undefined;
  }

  async #run(output: Output): Promise<Ending> {
    const [lease, loggedIn] = [this.#lease, this.#loggedIn];
    if (lease === undefined || loggedIn === undefined) throw new TypeError("run() before prepare()");
    const { transport } = lease;
    if (this.#stop.reason) return { state: "failed", failure: this.#stop.reason };
    this.#isHealthy = false;
    let sftp: SFTPWrapper;
    try {
      await loggedIn.logIn(transport);
    } catch (error) {
      return { state: "failed", failure: failureOf(error) };
    }
    try {
      sftp = await transport.sftp();
    } catch (error) {
      // Nothing is asked for before the subsystem is there.
      const failure =
        error instanceof CountersignError || !transport.isOpen ? lostFailure() : refusedFailure("to serve files", error);
      return { state: "failed", failure };
    }
    sftp.on("error", () => {});
    const { run, writes } = fileActions[this.#operation.action];
    try {
      if (this.#stop.reason) return { state: "failed", failure: this.#stop.reason };
      const working = run(sftp, this.#operation, { output, isStopped: () => this.#stop.reason !== undefined });
      working.catch(() => {});
      await this.#stop.orAsked(Promise.race([working, transport.failed]));
      const { reason } = this.#stop;
      if (reason === undefined) {
        this.#isHealthy = true;
        return { state: "succeeded" };
      }
      return this.#stopped(reason, writes);
    } catch (error) {
      if (!transport.isOpen || error instanceof CountersignError) return this.#lost(writes);
      this.#isHealthy = true;
      return { state: "failed", failure: fileFailure(error, this.#operation) };
    } finally {
      sftp.end();
    }
  }

  #stopped(reason: Failure | undefined, writes: boolean): Ending {
    const failure = reason ?? lostFailure();
    if (!writes) return { state: "failed", failure };
    return { state: "unknown", failure: unknownFailure(`${failure.message} A part of it may have been done.`) };
  }

  #lost(writes: boolean): Ending {
    if (!writes) return { state: "failed", failure: lostFailure() };
    return {
      state: "unknown",
      failure: unknownFailure("The connection to the target was lost; all, a part or nothing of it may have been done."),
    };
  }

  #elapsedMs(): number {
    return this.#parts.now() - this.#startedMs;
  }
}

/** Status codes of SFTP (draft-ietf-secsh-filexfer-02 §7) in words. */
const statuses: Readonly<Record<number, readonly [name: string, words: string]>> = {
  2: ["SSH_FX_NO_SUCH_FILE", "there is no such file"],
  3: ["SSH_FX_PERMISSION_DENIED", "the login may not"],
  4: ["SSH_FX_FAILURE", "it failed; SFTP does not say why"],
  8: ["SSH_FX_OP_UNSUPPORTED", "the server cannot do that"],
};

function fileFailure(error: unknown, { action, path }: SshFile): Failure {
  const code = error instanceof Error && "code" in error && typeof error.code === "number" ? error.code : -1;
  const [name, words] = statuses[code] ?? [`SSH_FX_${code}`, error instanceof Error ? error.message.slice(0, 200) : "it failed"];
  return { code: "target_error", message: `${action} ${path}: ${words} (${name}).`, retryable: false, targetCode: name };
}
