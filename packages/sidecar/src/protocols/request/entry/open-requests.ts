import { createHash } from "node:crypto";
import { operationText, type Principal } from "@countersign/policy";
import { LRUCache } from "lru-cache";
import type { ApiRequest } from "./entry-kind.ts";

const mostOpen = 10_000;

/** Requests whose clients were told to come back: the same bytes again are the same request, until its answer was fetched. */
export class OpenRequests {
  readonly #ids = new LRUCache<string, string>({ max: mostOpen });
  readonly #names = new LRUCache<string, string>({ max: mostOpen });

  /** The request that these bytes have opened, of the same caller. */
  idOf(name: string): string | undefined {
    return this.#ids.get(name);
  }

  opened(name: string, id: string): void {
    this.#ids.set(name, id);
    this.#names.set(id, name);
  }

  /** Its answer was fetched: the same bytes are a new request from now on. */
  answered(id: string): void {
    const name = this.#names.get(id);
    this.#names.delete(id);
    if (name !== undefined && this.#ids.get(name) === id) this.#ids.delete(name);
  }
}

/** A name for whose bytes they are, of which resource, and what they are. */
export function nameOf({ issuer, subject }: Principal, resource: string, operation: ApiRequest): string {
  const { headers, body = null } = operation;
  const whole = JSON.stringify([issuer, subject, resource, operationText(operation), headers, body]);
  return createHash("sha256").update(whole).digest("base64url");
}
