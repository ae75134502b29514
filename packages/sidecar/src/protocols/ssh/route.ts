import type { Duplex } from "node:stream";
import { CountersignError } from "@countersign/policy";
import type { SshAddress } from "./address.ts";
import type { HostTrust } from "./host-trust.ts";
import type { Login } from "./login.ts";
import { Transport } from "./transport.ts";

/** A host on the way, and how to get further from it. */
export interface Hop {
  /** In words, for errors. */
  readonly where: string;
  readonly address: SshAddress;
  readonly trust: HostTrust;
  readonly login: Login;
}

/** Where the way ends. */
export interface Destination extends Omit<Hop, "login"> {
  readonly user: string;
}

/** The times of connections, and the wall clock. */
export interface RouteOptions {
  readonly connectTimeoutMs: number;
  readonly keepaliveMs: number;
  readonly wallMs: () => number;
}

/** With a jump host's certificate nothing can be run there, only gone through. */
const jumpScope = { forceCommand: "false", terminal: false, forwarding: true };

/** The way to a target, through its jump hosts if there are any. The connection to the last of them is shared by all who go through it. */
export class Route {
  readonly #hops: readonly Hop[];
  readonly #options: RouteOptions;
  #last: Promise<Transport> | undefined;

  constructor(hops: readonly Hop[], options: RouteOptions) {
    this.#hops = hops;
    this.#options = options;
  }

  /**
   * Connects to a target; nobody has logged in to it yet.
   *
   * @throws {CountersignError} `target_unavailable`, `target_credentials` of a jump host, `cancelled`.
   */
  async open({ user, ...destination }: Destination, signal: AbortSignal): Promise<Transport> {
    const through = this.#hops.length === 0 ? undefined : await this.#further(await this.#lastHop(), destination);
    return this.#connect(destination, user, through, signal);
  }

  /** Ends the connections to jump hosts; what goes through them ends too. */
  close(): void {
    void this.#last?.then((transport) => transport.end()).catch(() => {});
    this.#last = undefined;
  }

  /** Opened for all who wait for it, so that none of them can cancel it. */
  #lastHop(): Promise<Transport> {
    const opening = this.#last ?? this.#openHops();
    if (this.#last === undefined) {
      this.#last = opening;
      const forget = () => {
        if (this.#last === opening) this.#last = undefined;
      };
      void opening.then(({ failed }) => failed).catch(forget);
    }
    return opening;
  }

  async #openHops(): Promise<Transport> {
    const never = new AbortController().signal;
    let last: Transport | undefined;
    try {
      for (const hop of this.#hops) {
        const through: Duplex | undefined = last && (await this.#further(last, hop));
        const next = await this.#connect(hop, hop.login.user, through, never);
        // A jump host's connection ends when the one before it ends, so that the chain needs no owner but its last.
        const before = last;
        void next.failed.catch(() => before?.end());
        last = next;
        await hop.login.logInAhead(next);
        await (await hop.login.prepare(jumpScope)).logIn(next);
      }
    } catch (error) {
      last?.destroy();
      throw error;
    }
    if (last === undefined) throw new TypeError("a way without jump hosts");
    return last;
  }

  #connect(to: Omit<Hop, "login">, user: string, through: Duplex | undefined, signal: AbortSignal): Promise<Transport> {
    const { connectTimeoutMs: timeoutMs, keepaliveMs, wallMs: now } = this.#options;
    return Transport.open({ ...to, user, timeoutMs, keepaliveMs, now, ...(through && { through }) }, signal);
  }

  async #further(hop: Transport, { where, address }: Omit<Hop, "login">): Promise<Duplex> {
    try {
      return await hop.forward(address);
    } catch (error) {
      if (error instanceof CountersignError) throw error;
      const why = error instanceof Error ? error.message : "";
      throw new CountersignError("target_unavailable", `The jump host could not connect to ${where} (${why}).`, {
        retryable: true,
        cause: error,
      });
    }
  }
}
