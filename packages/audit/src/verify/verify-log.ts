import { AuditError } from "../audit-error.ts";
import { align } from "./alignment.ts";
import type { LogKey } from "./note.ts";
import type { Problem } from "./problem.ts";
import { parseRecord } from "./record.ts";
import { RunningTree } from "./running-tree.ts";
import type { LogSource } from "./source.ts";
import { type OpenAction, Story } from "./story.ts";
import { leafReader, UpperTiles } from "./tiles.ts";
import { CheckpointTrail } from "./trail.ts";

/** What a verifier knows besides the key. */
export interface VerifyOptions {
  /** Checkpoints from an earlier check or from receipts. Only they can show that a log was set back to an older, rightly signed state. */
  readonly known?: readonly string[];
  /** Problems to list; the rest is counted. Default 20. */
  readonly maxProblems?: number;
}

/** The outcome of a verification. */
export interface VerifyReport {
  /** Nothing is wrong. */
  readonly ok: boolean;
  /** Records, with those that are known to be missing in the middle. */
  readonly size: number;
  /** The newest checkpoint that is signed and fits; to be kept, and given as `known` next time. Undefined for an empty log. */
  readonly checkpoint: string | undefined;
  /** In the order of their places. */
  readonly problems: readonly Problem[];
  /** Problems found beyond those listed. */
  readonly moreProblems: number;
  /** What was dispatched and has no certain outcome. Not an error: a call at work, or a doubt. */
  readonly open: readonly OpenAction[];
}

/**
 * Verifies a whole log offline: every record against its leaf, every writer's chain, the tree against every checkpoint, the signatures, and
 * what is known from before. Memory does not grow with the log. Nothing in the source is trusted; the key must come from elsewhere.
 *
 * @throws {AuditError} `malformed` for a known checkpoint that this log did not sign; whatever the source throws.
 */
export async function verifyLog(source: LogSource, key: LogKey, options: VerifyOptions = {}): Promise<VerifyReport> {
  const findings = new Findings(options.maxProblems ?? 20);
  const trail = new CheckpointTrail(source, key, options.known ?? []);
  const tree = new RunningTree();
  const upper = new UpperTiles(source);
  const story = new Story(key.origin);
  let whole = true;

  findings.add(await trail.reached(tree, whole));
  try {
    for await (const { index, leaf, bytes } of align(source.records(), leafReader(source), (problem) =>
      findings.add([problem]),
    )) {
      const record = bytes && parseRecord(bytes);
      if (typeof record === "string") findings.add([{ kind: "malformed", index, message: `record ${index}: ${record}` }]);
      if (record === undefined || typeof record === "string" || leaf === undefined) story.lost();
      else findings.add(story.next(index, record, leaf));
      whole &&= leaf !== undefined;
      const closed = tree.push(leaf ?? unknownLeaf);
      if (whole) findings.add(await upper.check(tree.size, closed));
      findings.add(await trail.reached(tree, whole));
    }
  } catch (error) {
    if (!(error instanceof AuditError) || error.code !== "corrupt") throw error;
    findings.add([
      { kind: "unreadable", index: tree.size, message: `record ${tree.size}: reading ended here. ${error.message}` },
    ]);
    whole = false;
  }
  const { problems, checkpoint } = await trail.end(tree, whole);
  findings.add(problems);
  return { ok: findings.count === 0, size: tree.size, checkpoint, ...findings.report(), open: story.openActions() };
}

/** Stands for a leaf that nobody knows; no root is compared after it. */
const unknownLeaf = new Uint8Array(32);

class Findings {
  readonly #listed: Problem[] = [];
  readonly #limit: number;
  count = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  add(problems: readonly Problem[]): void {
    for (const problem of problems) {
      if (this.#listed.length < this.#limit) this.#listed.push(problem);
      this.count++;
    }
  }

  report(): { problems: readonly Problem[]; moreProblems: number } {
    return { problems: this.#listed, moreProblems: this.count - this.#listed.length };
  }
}
