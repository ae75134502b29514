import { type ChildProcess, spawn } from "node:child_process";
import { type Door, libpqEnvironment, type Ran } from "./psql.ts";

/** A psql that waits for an approver. */
export class HeldPsql {
  readonly child: ChildProcess;
  readonly ended: Promise<Ran>;
  #out = "";
  #err = "";

  /** Runs one command. */
  constructor(door: Door, command: string) {
    this.child = spawn("psql", ["-X", "-c", command], { env: libpqEnvironment(door), stdio: ["ignore", "pipe", "pipe"] });
    this.child.stdout?.on("data", (data: Buffer) => (this.#out += data.toString()));
    this.child.stderr?.on("data", (data: Buffer) => (this.#err += data.toString()));
    this.ended = new Promise((resolve) => {
      this.child.once("close", (code) => resolve({ out: this.#out, err: this.#err, code: code ?? -1 }));
    });
  }

  /** What it has written to standard error so far. */
  get err(): string {
    return this.#err;
  }

  /** The id in the notice that it waits. */
  async request(): Promise<string> {
    for (let waitedMs = 0; waitedMs < 15_000; waitedMs += 20) {
      const [id] = /req_\w+/.exec(this.#err) ?? [];
      if (id !== undefined) return id;
      if (this.child.exitCode !== null) break;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    throw new Error(`psql is not held: ${this.#err}${this.#out}`);
  }
}
