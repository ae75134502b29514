/**
 * Actions and their digests, classification, rules and decisions. Pure: no I/O, no clock, no randomness.
 *
 * @packageDocumentation
 */

export * from "./action.ts";
export * from "./asked.ts";
export * from "./canonical.ts";
export * from "./decision.ts";
export { parseDocument } from "./document.ts";
export { type FactDefinition, type FactType, type SqlFacts, sqlFacts } from "./facts/postgres/definition.ts";
export { loadParser } from "./facts/postgres/parser.ts";
export * from "./facts.ts";
export * from "./outcome.ts";
export * from "./policy.ts";
export * from "./problem.ts";
export * from "./quorum.ts";
export * from "./request.ts";
export * from "./request-book.ts";
export * from "./request-id.ts";
export * from "./vote.ts";
