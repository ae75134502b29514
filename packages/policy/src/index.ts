/**
 * Actions and their digests, classification, rules and decisions. Pure: no I/O, no clock, no randomness.
 *
 * @packageDocumentation
 */

export * from "./action.ts";
export * from "./canonical.ts";
export * from "./decision.ts";
export * from "./outcome.ts";
export * from "./quorum.ts";
export * from "./request.ts";
export * from "./request-book.ts";
export * from "./vote.ts";
