import type { KeyObject } from "node:crypto";
import { type Ballot, signVote, type Vote, verifyVote } from "@countersign/policy";
import { Ring } from "./ring.ts";

/** How many votes are remembered: one is counted some times while it is cast, and once more when the request is claimed. */
const most = 32;

/**
 * Signs votes, and tells whether votes were signed here, exactly as they stand. A vote that was signed, or found right, is remembered whole, with
 * its signature, so that it can be counted again at no cost; one that differs from it in anything is checked as if it had never been seen.
 */
export class Signatures {
  readonly #privateKey: KeyObject;
  readonly #publicKey: KeyObject;
  readonly #right = new Ring<string>(most);

  /** @throws {TypeError} when the keys are no pair: what one signs the other would have to find right. */
  constructor({ privateKey, publicKey }: { readonly privateKey: KeyObject; readonly publicKey: KeyObject }) {
    this.#privateKey = privateKey;
    this.#publicKey = publicKey;
    if (!verifyVote(signVote(probe, privateKey), publicKey)) throw new TypeError("The vote keys are no pair");
  }

  sign(ballot: Ballot): Vote {
    const vote = signVote(ballot, this.#privateKey);
    this.#right.add(JSON.stringify(vote));
    return vote;
  }

  isRight(vote: Vote): boolean {
    const text = JSON.stringify(vote);
    if (this.#right.find((one) => one === text) !== undefined) return true;
    if (!verifyVote(vote, this.#publicKey)) return false;
    this.#right.add(text);
    return true;
  }
}

/** Over nothing that there is. */
const probe: Ballot = {
  ...{ requestId: "", requestDigest: "sha256:", approver: { issuer: "", subject: "", groups: [] } },
  ...{ verdict: "deny", comment: "", timeMs: 0 },
};
