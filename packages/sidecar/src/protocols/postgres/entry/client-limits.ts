import type { Principal } from "@countersign/policy";
import { StartUpRefusal } from "./start-up-refusal.ts";

/** How many connections there may be. */
export interface ConnectionBounds {
  /** In all. */
  readonly connections: number;
  readonly connectionsPerPrincipal: number;
}

/** Strangers must not take all the room while they say nothing: this part of it is theirs. */
const strangersShare = 4;

/** Counts the connections of all listeners. */
export class ClientLimits {
  readonly #bounds: ConnectionBounds;
  readonly #byPrincipal = new Map<string, number>();
  #strangers = 0;
  #admitted = 0;

  constructor(bounds: ConnectionBounds) {
    this.#bounds = bounds;
  }

  /**
   * Counts a connection of somebody unknown; disposing forgets it.
   *
   * @throws {StartUpRefusal} when there is no room.
   */
  enter(): Disposable {
    const { connections } = this.#bounds;
    const full = this.#strangers + this.#admitted >= connections || this.#strangers >= Math.ceil(connections / strangersShare);
    if (full) throw tooMany("sorry, too many clients already", "limits.connections");
    this.#strangers++;
    return once(() => this.#strangers--);
  }

  /**
   * Counts a connection of a principal; disposing forgets it.
   *
   * @throws {StartUpRefusal} when the principal has all that it may have.
   */
  admit({ issuer, subject }: Principal): Disposable {
    const name = JSON.stringify([issuer, subject]);
    const before = this.#byPrincipal.get(name) ?? 0;
    if (before >= this.#bounds.connectionsPerPrincipal)
      throw tooMany(`too many connections of ${subject}`, "limits.connectionsPerPrincipal");
    this.#byPrincipal.set(name, before + 1);
    this.#admitted++;
    return once(() => {
      this.#admitted--;
      const left = (this.#byPrincipal.get(name) ?? 1) - 1;
      if (left > 0) this.#byPrincipal.set(name, left);
      else this.#byPrincipal.delete(name);
    });
  }
}

function tooMany(message: string, key: string): StartUpRefusal {
  return new StartUpRefusal("53300", message, `Close some connections, or raise ${key} in countersign.yaml.`);
}

function once(leave: () => void): Disposable {
  let left = false;
  return {
    [Symbol.dispose]: () => {
      if (!left) leave();
      left = true;
    },
  };
}
