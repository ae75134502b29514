import type { Socket } from "node:net";
import type { Principal } from "@countersign/policy";
import type { FailedLogin } from "../../../native/failed-logins.ts";

/** What is known of a client so far, for the record when it is not let in. */
export class LoginAttempt {
  readonly #listener: string;
  readonly #from: string;
  readonly #claims: Record<string, string> = {};
  #proof: FailedLogin["proof"] = "none";
  #principal: Principal | undefined;

  constructor(listener: string, { remoteAddress, remotePort }: Socket) {
    this.#listener = listener;
    this.#from = remoteAddress === undefined ? "unix" : `${remoteAddress}:${remotePort}`;
  }

  /** It names somebody or something. */
  claims(claims: Readonly<Record<string, string>>): void {
    Object.assign(this.#claims, claims);
  }

  /** How it goes about proving that. */
  by(proof: FailedLogin["proof"]): void {
    this.#proof = proof;
  }

  /** It has proved who it is. */
  is(principal: Principal): void {
    this.#principal = principal;
  }

  /** It was told no. */
  refused(why: string): FailedLogin {
    const principal = this.#principal;
    return {
      ...{ protocol: "postgres", listener: this.#listener, from: this.#from, claims: this.#claims, proof: this.#proof, why },
      ...(principal && { principal }),
    };
  }
}
