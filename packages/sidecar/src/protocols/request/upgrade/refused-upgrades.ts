import type { Principal } from "@countersign/policy";
import { LRUCache } from "lru-cache";
import type { Refusal } from "../entry/refusal.ts";

/** How long an answer stands for the same bytes of the same caller: programs try again by themselves (k8s-retry). */
const answeredMs = 60_000;
/** How long kubectl may take to try again in another protocol. */
const retriedMs = 10_000;

/** Upgrades that were refused, for those who try again by themselves: they hear the same, and nobody is asked anew. */
export class RefusedUpgrades {
  readonly #answered = new LRUCache<string, Refusal>({ max: 10_000, ttl: answeredMs });
  readonly #retried = new LRUCache<string, Refusal>({ max: 10_000, ttl: retriedMs });

  /** What people have said to the same bytes. */
  answerTo(name: string): Refusal | undefined {
    return this.#answered.get(name);
  }

  /** People have refused these bytes. */
  answered(name: string, refusal: Refusal): void {
    this.#answered.set(name, refusal);
  }

  /** A WebSocket to a path was refused, for whatever reason; undefined = it was not. */
  ended(principal: Principal, resource: string, path: string, refusal: Refusal | undefined): void {
    const name = pathName(principal, resource, path);
    if (refusal === undefined) this.#retried.delete(name);
    else this.#retried.set(name, refusal);
  }

  /** Why a WebSocket to the same path was refused a moment ago: kubectl then asks for SPDY, and shows only what it hears to that. */
  before(principal: Principal, resource: string, path: string): Refusal | undefined {
    return this.#retried.get(pathName(principal, resource, path));
  }
}

function pathName({ issuer, subject }: Principal, resource: string, path: string): string {
  return JSON.stringify([issuer, subject, resource, path]);
}
