import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { RawClient } from "../../conformance/postgres-wire/raw-client.ts";
import type { WireWorld } from "../../conformance/postgres-wire/world.ts";

/** How long the server may take to say that a process of its has crashed, milliseconds. */
const saidWithinMs = 300;

/** Tells when a process of the server crashes, which takes all sessions with it. */
export class ServerCrashes {
  readonly #world: WireWorld;
  #read = 0;

  constructor(world: WireWorld) {
    this.#world = world;
    this.#news();
  }

  /** Whether one has crashed since this was asked last; then waits until the server is there again. */
  async seen(): Promise<boolean> {
    await sleep(saidWithinMs);
    if (!this.#news().includes("was terminated by signal")) return false;
    for (let tries = 0; tries < 100 && !(await this.#serves()); tries++) await sleep(100);
    // What it said meanwhile is about the same.
    this.#news();
    return true;
  }

  async #serves(): Promise<boolean> {
    try {
      using _ = await RawClient.open(this.#world.trusted);
      return true;
    } catch {
      return false;
    }
  }

  #news(): string {
    const file = openSync(join(this.#world.instance.postgres.folder, "log"), "r");
    try {
      const bytes = Buffer.alloc(Math.max(fstatSync(file).size - this.#read, 0));
      this.#read += readSync(file, bytes, 0, bytes.length, this.#read);
      return bytes.toString();
    } finally {
      closeSync(file);
    }
  }
}
