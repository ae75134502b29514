import type { Format } from "./terminal/terminal.ts";

/** The states of a request as the command line and its output spell them, in the order of a request's life, and their colours. */
export const stateFormats = {
  pending: "yellow",
  approved: "cyan",
  executing: "cyan",
  succeeded: "green",
  failed: "red",
  denied: "red",
  expired: "gray",
  cancelled: "gray",
  revoked: "red",
  unknown: "magenta",
} as const satisfies Readonly<Record<string, Format>>;

/** A state's plain name. */
export type StateName = keyof typeof stateFormats;

/** Whether a text is a state's plain name. */
function isStateName(text: string): text is StateName {
  return Object.hasOwn(stateFormats, text);
}

/** The plain names. */
export const stateNames: readonly StateName[] = Object.keys(stateFormats).filter(isStateName);
