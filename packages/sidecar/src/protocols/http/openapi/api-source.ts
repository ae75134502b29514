import { statSync } from "node:fs";
import { resolve } from "node:path";
import type { HttpApi } from "@countersign/policy";
import type { ApiInForce } from "../../../resources.ts";
import type { HttpResource } from "../resource.ts";
import { readHttpApi } from "./read-api.ts";

/** What an API's requests are named by, as its documents say it while they change. */
export class ApiSource implements ApiInForce {
  readonly #resource: HttpResource;
  readonly #folder: string;
  #current: HttpApi;
  #seen: string;

  /**
   * @param folder files are relative to it.
   * @throws as `readHttpApi`.
   */
  constructor(resource: HttpResource, folder: string) {
    this.#resource = resource;
    this.#folder = folder;
    this.#seen = this.#stamps();
    this.#current = readHttpApi(resource, folder);
  }

  get current(): HttpApi {
    return this.#current;
  }

  /** What is not changed is not read: it may take a while, and everybody waits meanwhile. */
  reload(): boolean {
    const stamps = this.#stamps();
    if (stamps === this.#seen) return false;
    const next = readHttpApi(this.#resource, this.#folder);
    this.#seen = stamps;
    // The same names: what is remembered of decisions stays of use.
    if (JSON.stringify(next) === JSON.stringify(this.#current)) return false;
    this.#current = next;
    return true;
  }

  /** Another one in its place, or another text in it, has another stamp; one that is gone is told of when it is read. */
  #stamps(): string {
    const stamp = (file: string) => {
      const found = statSync(resolve(this.#folder, file), { bigint: true, throwIfNoEntry: false });
      return found === undefined ? "-" : `${found.dev} ${found.ino} ${found.size} ${found.mtimeNs} ${found.ctimeNs}`;
    };
    return this.#resource.openapi.map(stamp).join("\n");
  }
}
