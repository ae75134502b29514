import { AuditError } from "./audit-error.ts";
import type { Json } from "./canonical.ts";
import { canonicalText, stringText } from "./canonical-text.ts";
import type { PayloadCommitment } from "./commitment.ts";
import { hashText } from "./hash.ts";
import type { WriterHead } from "./log-store.ts";
import type { RecordDraft } from "./record.ts";

/** Largest record in bytes: what an entry of a C2SP tlog-tiles entry bundle can hold. */
export const MAX_RECORD_SIZE = 65_535;

/** The version of the record format. */
const RECORD_VERSION = 1;

/** A draft whose own fields are already in canonical form; what the log adds is put in by {@link recordBytes}. */
export interface PreparedRecord {
  readonly draft: RecordDraft;
  /** Members that sort before `log`: `action`, `detail`. */
  readonly head: string;
  /** `payload`, `policy`. */
  readonly middle: string;
  /** `principal`, `request`, `resource`. */
  readonly tail: string;
  /** `time`, `type`, `version`. */
  readonly end: string;
}

/**
 * Checks a draft and writes its own members in canonical form, so that a bad draft fails alone and not with its group.
 *
 * @throws {AuditError} `invalid_record`.
 */
export function prepareRecord(draft: RecordDraft, payload: PayloadCommitment | undefined): PreparedRecord {
  try {
    const prepared = {
      draft,
      head: member("action", draft.action) + member("detail", draft.detail),
      middle: (payload ? `"payload":{"hash":"${payload.hash}","size":${payload.size}},` : "") + member("policy", draft.policy),
      tail: member("principal", draft.principal) + member("request", draft.request) + member("resource", draft.resource),
      end: `"time":"${timeText(draft.timeMs)}","type":${stringText(draft.type)},"version":${RECORD_VERSION}`,
    };
    checkSize(prepared);
    return prepared;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new AuditError("invalid_record", `This "${draft.type}" record cannot be written: ${reason}.`, { cause: error });
  }
}

/**
 * The exact bytes of a record: its canonical JSON (RFC 8785), whose members are sorted by name. Written out by hand because the order is
 * known; `record-bytes.test.ts` holds it against the real canonicalisation.
 *
 * @param previous - The writer's head, undefined before its first record.
 */
export function recordBytes(prepared: PreparedRecord, log: string, writer: string, previous: WriterHead | undefined): Buffer {
  const { head, middle, tail, end } = prepared;
  const link = previous === undefined ? "" : `"previous":"${hashText(previous.leaf)}",`;
  const sequence = (previous?.sequence ?? 0) + 1;
  return Buffer.from(
    `{${head}"log":${stringText(log)},${middle}${link}${tail}"sequence":${sequence},"sidecar":${stringText(writer)},${end}}`,
  );
}

/** Checks the name of a writer. @throws {AuditError} `invalid_record`. */
export function checkWriter(writer: string): string {
  if (writer.length === 0 || writer.length > 200 || !writer.isWellFormed()) {
    throw new AuditError("invalid_record", "A writer's name has 1 to 200 characters.");
  }
  return writer;
}

/** Leaves 1,000 bytes for what the log adds. */
function checkSize({ head, middle, tail, end }: PreparedRecord): void {
  const limit = MAX_RECORD_SIZE - 1_000;
  // A UTF-16 code unit has at most 3 bytes in UTF-8, so that only long records need to be counted.
  if (3 * (head.length + middle.length + tail.length + end.length) <= limit) return;
  const size = Buffer.byteLength(head + middle + tail + end);
  if (size > limit) throw new RangeError(`it has ${size} bytes, at most ${limit} fit: long text belongs in the payload`);
}

function member(name: string, value: Json | undefined): string {
  if (value === undefined) return "";
  return `"${name}":${canonicalText(value)},`;
}

/** RFC 3339 in UTC, with milliseconds and a year of four digits. */
function timeText(timeMs: number): string {
  const time = new Date(timeMs).toISOString();
  if (time.length !== "2026-01-02T03:04:05.678Z".length) throw new RangeError("its time is past the year 9999");
  return time;
}
