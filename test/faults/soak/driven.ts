import { type ChildProcess, execFile, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { Answers, Ask, Line, Start } from "./wire.ts";

const root = fileURLToPath(new URL("../../../", import.meta.url));
const program = `${root}packages/cli/node_modules/.soak/process.js`;

/** Makes the program from the sources as they are. */
export async function bundleProcess(): Promise<void> {
  const config = fileURLToPath(new URL("tsup.config.ts", import.meta.url));
  await promisify(execFile)(`${root}node_modules/.bin/tsup`, ["--config", config], { cwd: `${root}packages/cli` });
}

/** The process went away before it answered: what was asked may or may not have happened. */
export class Gone extends Error {}

/** One process of the soak. It loads its modules at once and opens the folder when it is told to. */
export class Driven {
  readonly #child: ChildProcess;
  readonly #waiting = new Map<number, { resolve: (answer: Answers[keyof Answers]) => void; reject: (error: Error) => void }>();
  readonly #ready = Promise.withResolvers<void>();
  readonly #onEnded: (id: string, state: string) => void;
  /** Resolves when it is gone. */
  readonly gone: Promise<void>;
  #errors = "";
  #next = 0;
  #counting = { left: 0, resolve: (): void => {} };

  /** @param onEnded Told of every outcome that a caller was told. */
  constructor(env: Readonly<Record<string, string>>, onEnded: (id: string, state: string) => void) {
    this.#onEnded = onEnded;
    this.#child = spawn(process.execPath, ["--no-warnings", program], {
      env: { ...process.env, ...env },
      stdio: ["pipe", "pipe", "pipe"],
    });
    this.#child.stderr?.on("data", (data: Buffer) => {
      this.#errors += data.toString();
    });
    // A pipe that breaks is the process's end, which is noticed below.
    this.#child.stdin?.on("error", () => {});
    this.#ready.promise.catch(() => {});
    const read = this.#read();
    this.gone = new Promise<void>((resolve) => this.#child.once("close", () => resolve())).then(async () => {
      await read;
      const gone = new Gone(`The process ended: ${this.#errors}`);
      this.#ready.reject(gone);
      for (const { reject } of this.#waiting.values()) reject(gone);
    });
  }

  /** Whether it can be asked nothing any more. */
  get isGone(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  /** What it complained of. */
  get errors(): string {
    return this.#errors;
  }

  /** Has it open the folder; resolves once it has recovered what the one before left. */
  start(start: Start): Promise<void> {
    this.#child.stdin?.write(`${JSON.stringify(start)}\n`);
    return this.#ready.promise;
  }

  /**
   * Asks something.
   *
   * @throws {Gone} when there is no answer any more.
   * @throws {Error} with the code of a refusal.
   */
  ask<Name extends Ask["ask"]>(ask: Extract<Ask, { ask: Name }>): Promise<Answers[Name]> {
    const number = ++this.#next;
    return new Promise((resolve, reject) => {
      // The process answers with what `Answers` says for the name: the one cast of this protocol.
      this.#waiting.set(number, { resolve: (answer) => resolve(answer as Answers[Name]), reject });
      if (this.isGone) return reject(new Gone("It is gone"));
      this.#child.stdin?.write(`${JSON.stringify({ number, ...ask })}\n`);
    });
  }

  /** Resolves when it has answered so often. */
  answered(times: number): Promise<void> {
    return new Promise((resolve) => {
      this.#counting = { left: times, resolve };
      if (times === 0) resolve();
    });
  }

  /** kill -9; resolves when everything that it had said is read. */
  async kill(): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.gone;
  }

  async #read(): Promise<void> {
    const { stdout } = this.#child;
    if (stdout === null) return;
    for await (const text of createInterface({ input: stdout })) {
      const line = parse(text);
      if (line !== undefined) this.#take(line);
    }
  }

  #take(line: Line): void {
    if ("ready" in line) this.#ready.resolve();
    else if ("ended" in line) this.#onEnded(line.ended, line.state);
    else {
      const waiting = this.#waiting.get(line.number);
      this.#waiting.delete(line.number);
      if (--this.#counting.left === 0) this.#counting.resolve();
      if ("answer" in line) waiting?.resolve(line.answer);
      else waiting?.reject(new Error(line.refused));
    }
  }
}

/** The last line of a killed process may be cut off: then it has not been said. */
function parse(text: string): Line | undefined {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
