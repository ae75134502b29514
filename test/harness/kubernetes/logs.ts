import type { ServerResponse } from "node:http";
import type { Asked } from "./asked.ts";
import { ApiError, type ApiObject, listOf, textOf } from "./object.ts";

interface Log {
  readonly lines: string[];
  readonly readers: Set<(line: string | undefined) => void>;
}

/** What containers have written. */
export class Logs {
  readonly #logs = new Map<string, Log>();

  /** A container writes one line; those that follow get it at once. */
  write(namespace: string, pod: string, container: string, line: string): void {
    const log = this.#of(namespace, pod, container);
    log.lines.push(line);
    for (const tell of [...log.readers]) tell(line);
  }

  /** A container ends; so does its log. */
  end(namespace: string, pod: string, container: string): void {
    for (const tell of [...this.#of(namespace, pod, container).readers]) tell(undefined);
  }

  /** Answers `pods/log`. */
  answer(pod: ApiObject, { query }: Asked, response: ServerResponse): void {
    const { name, namespace = "" } = pod.metadata;
    const names = listOf(pod.spec, "containers").map((one) => textOf(one, "name"));
    const container = query.get("container") ?? (names.length === 1 ? names[0] : undefined);
    if (container === undefined || !names.includes(container))
      throw new ApiError(
        400,
        "BadRequest",
        `a container name must be specified for pod ${name}, choose one of: [${names.join(" ")}]`,
      );
    const { lines, readers } = this.#of(namespace, name, container);
    const tail = query.get("tailLines");
    response.writeHead(200, { "content-type": "text/plain" });
    response.flushHeaders();
    for (const line of tail === null ? lines : lines.slice(Math.max(0, lines.length - Number(tail)))) response.write(`${line}\n`);
    if (query.get("follow") !== "true") return void response.end();
    const tell = (line: string | undefined) => void (line === undefined ? response.end() : response.write(`${line}\n`));
    readers.add(tell);
    response.on("close", () => readers.delete(tell));
  }

  #of(...names: readonly [namespace: string, pod: string, container: string]): Log {
    const key = names.join("/");
    const log = this.#logs.get(key) ?? { lines: [], readers: new Set() };
    this.#logs.set(key, log);
    return log;
  }
}
