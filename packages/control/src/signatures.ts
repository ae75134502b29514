import type { KeyObject } from "node:crypto";
import { type Vote, verifyVote } from "@countersign/policy";

/** How many votes are remembered. */
const most = 1024;

/**
 * Tells whether votes were signed by a key, exactly as they stand. A vote that was found right is remembered whole, with its signature, so that
 * it can be counted again at no cost; one that differs from it in anything is checked as if it had never been seen.
 */
export function signatureCheck(key: KeyObject): (vote: Vote) => boolean {
  const right = new Set<string>();
  return (vote) => {
    const text = JSON.stringify(vote);
    if (right.has(text)) return true;
    if (!verifyVote(vote, key)) return false;
    for (const oldest of right) {
      if (right.size < most) break;
      right.delete(oldest);
    }
    right.add(text);
    return true;
  };
}
