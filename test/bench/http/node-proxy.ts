import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";

/** What a proxy is told before it begins. */
export interface ProxyOrder {
  /** Of the API. */
  readonly origin: string;
  /** PEM, of its clients' side; absent = no TLS there. */
  readonly certificate?: string;
  readonly key?: string;
  /** The credential that takes the client's place. */
  readonly authorization?: string;
}

/** A reverse proxy in Node that does nothing else: how much of what Countersign takes is Node's. */
export class NodeProxy implements Disposable {
  readonly port: number;
  readonly #process: ChildProcess;

  private constructor(process: ChildProcess, port: number) {
    this.#process = process;
    this.port = port;
  }

  static async start(order: ProxyOrder): Promise<NodeProxy> {
    const process = fork(new URL("node-proxy-process.ts", import.meta.url).pathname);
    const heard = once(process, "message");
    process.send(order);
    const [port] = await heard;
    return new NodeProxy(process, Number(port));
  }

  [Symbol.dispose](): void {
    this.#process.kill();
  }
}
