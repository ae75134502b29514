/** What is wrong with a log. */
export type ProblemKind =
  /** A record's bytes are not those that were logged. */
  | "edited"
  /** A record is not there any more. */
  | "missing"
  /** A record that was never logged at this place. */
  | "inserted"
  /** Records stand in another order. */
  | "reordered"
  /** The end of the log is cut off, or the log was set back to an older state. */
  | "truncated"
  /** Records do not have the hash that was signed for them, or do not follow the ones before them. */
  | "rewritten"
  /** The log's key signed two histories that differ. */
  | "forked"
  /** A writer's sequence or chain has a hole. */
  | "omitted"
  /** Records that no checkpoint covers. */
  | "unsigned"
  /** A checkpoint that the log's key did not sign, or that cannot be read. */
  | "signature"
  /** A tile that does not fit the records. */
  | "tile"
  /** The store or file itself is damaged. */
  | "unreadable"
  /** A record that is not of the record format. */
  | "malformed"
  /** An outcome without its intent, or a reviewed intent without an approval. */
  | "unfounded";

/** One finding, with its place. */
export interface Problem {
  readonly kind: ProblemKind;
  /** Zero-based index of the first record concerned, where there is one. */
  readonly index?: number;
  /** One sentence that names the place and what is wrong. */
  readonly message: string;
}
