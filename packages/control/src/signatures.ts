import type { KeyObject } from "node:crypto";
import { type Ballot, signVote, type Vote, verifyVote } from "@countersign/policy";

/** How many votes are remembered. */
const most = 1024;

/**
 * Signs votes, and tells whether votes were signed here, exactly as they stand. A vote that was signed, or found right, is remembered whole, with
 * its signature, so that it can be counted again at no cost; one that differs from it in anything is checked as if it had never been seen.
 */
export class Signatures {
  readonly #privateKey: KeyObject;
  readonly #publicKey: KeyObject;
  readonly #right = new Set<string>();

  /** @throws {TypeError} when the keys are no pair: what one signs the other would have to find right. */
  constructor({ privateKey, publicKey }: { readonly privateKey: KeyObject; readonly publicKey: KeyObject }) {
    this.#privateKey = privateKey;
    this.#publicKey = publicKey;
    if (!verifyVote(signVote(probe, privateKey), publicKey)) throw new TypeError("The vote keys are no pair");
  }

  sign(ballot: Ballot): Vote {
    const vote = signVote(ballot, this.#privateKey);
    this.#remember(JSON.stringify(vote));
    return vote;
  }

  isRight(vote: Vote): boolean {
    const text = JSON.stringify(vote);
    if (this.#right.has(text)) return true;
    if (!verifyVote(vote, this.#publicKey)) return false;
    this.#remember(text);
    return true;
  }

  #remember(text: string): void {
    for (const oldest of this.#right) {
      if (this.#right.size < most) break;
      this.#right.delete(oldest);
    }
    this.#right.add(text);
  }
}

/** Over nothing that there is. */
const probe: Ballot = {
  ...{ requestId: "", requestDigest: "sha256:", approver: { issuer: "", subject: "", groups: [] } },
  ...{ verdict: "deny", comment: "", timeMs: 0 },
};
