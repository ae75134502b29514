import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import type { Done, Job } from "./load-process.ts";

const beside = (file: string) => new URL(file, import.meta.url).pathname;

/** The API that is asked, in a process of its own. */
export class Upstream implements Disposable {
  readonly port: number;
  readonly pid: number;
  readonly #process: ChildProcess;

  private constructor(process: ChildProcess, port: number) {
    this.#process = process;
    this.port = port;
    this.pid = process.pid ?? -1;
  }

  static async start(): Promise<Upstream> {
    const process = fork(beside("upstream-process.ts"));
    const [port] = await once(process, "message");
    return new Upstream(process, Number(port));
  }

  [Symbol.dispose](): void {
    this.#process.kill();
  }
}

/** The client that asks, in a process of its own. */
export class Load implements Disposable {
  readonly #process = fork(beside("load-process.ts"));

  /** @throws {Error} when anything but 200 was answered. */
  async run(job: Job): Promise<Done> {
    const heard = once(this.#process, "message");
    this.#process.send(job);
    const [said] = (await heard) as [Done | { readonly error: string }];
    if ("error" in said) throw new Error(`${job.method} ${job.path}: ${said.error}`);
    return said;
  }

  [Symbol.dispose](): void {
    this.#process.kill();
  }
}
