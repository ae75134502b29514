import type { Voter } from "@countersign/policy";

/** Who there is, as far as it is known here, and in which groups they are now. */
export interface Directory {
  /** Somebody by any of their names; undefined = there is nobody of that name. */
  person(name: string): Voter | Unknown | undefined;
  /** The people of a group. */
  members(group: string): readonly Voter[] | Unknown;
}

/** What only a sign-in tells, because people are kept elsewhere. */
type Unknown = "unknown";

/** Knows nobody, so that whatever a sign-in says of somebody holds. */
export const unknownDirectory: Directory = { person: () => "unknown", members: () => "unknown" };
