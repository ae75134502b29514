import type { FactsOf, FactTable } from "../fact.ts";

/** Every fact about operations of this protocol. The CEL environment, the type {@link SshFacts} and the documentation come from this table. */
export const sshFacts = {
  opaque: {
    type: "bool",
    description: "Not fully understood, see `doubts`. An `allow` rule does not match unless it says `opaque: true`.",
  },
  doubts: { type: "list<string>", description: "Why it is opaque, in words; empty when it is not." },
} as const satisfies FactTable;

/** What classification found out. Lists are sorted and without duplicates unless their description says otherwise. */
export type SshFacts = FactsOf<typeof sshFacts>;
