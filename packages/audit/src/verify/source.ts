/** A record where a log is read back. Untrusted. */
export interface SourceRecord {
  /** Where the source says that it is; a step of more than one is a gap. */
  readonly index: number;
  readonly bytes: Uint8Array;
}

/** A log as somebody hands it over: a store, or an export. Nothing of it is trusted. */
export interface LogSource {
  /** The records, from the first. */
  records(): AsyncIterable<SourceRecord>;
  /** The hashes of a tile (C2SP tlog-tiles), as many as the source has; undefined where one is missing. */
  tile(level: number, index: number): Promise<readonly (Uint8Array | undefined)[]>;
  /** Signed checkpoints, oldest first; the last one is the newest. */
  checkpoints(): AsyncIterable<string>;
}
