import type { AuditLog, OpenIntent, RecordDraft } from "@countersign/audit";
import { readIntent } from "../intent.ts";
import type { Persistence } from "../persist.ts";

/** What ending them takes. */
export interface UnfinishedParts {
  readonly audit: Pick<AuditLog, "append" | "recordsOf">;
  readonly writer: string;
  readonly persistence: Pick<Persistence, "attempt">;
  readonly now: () => number;
}

/** After a start: the sessions that a crash left without an end are ended, as far as the log tells how. Gives what is open and no session alone. */
export async function endUnfinished(open: readonly OpenIntent[], parts: UnfinishedParts): Promise<readonly OpenIntent[]> {
  const { audit, writer, persistence, now } = parts;
  for (const { request } of open) {
    await persistence.attempt(async () => {
      const draft = endOf(request, (await audit.recordsOf(request)).map(read), now());
      if (draft !== undefined) await audit.append(writer, [draft], "durable");
    });
  }
  return open.filter(({ record }) => read(record).type !== "session.started");
}

interface OwnRecord {
  readonly type: string;
  readonly timeMs: number;
  readonly bytes: Uint8Array;
}

/** The end of a session that has begun and not ended; how much went through it, and the hash of that, died with the process. */
function endOf(request: string, records: readonly OwnRecord[], timeMs: number): RecordDraft | undefined {
  const started = records.find(({ type }) => type === "session.started");
  if (started === undefined || records.some(({ type }) => type === "session.ended")) return undefined;
  const parts = records.filter(({ type }) => type === "session.part");
  return {
    ...{ ...readIntent({ request, record: started.bytes }).base, type: "session.ended", timeMs, request },
    detail: {
      reason: "unknown",
      message: "The sidecar stopped while the session ran. What was recorded by then is here.",
      durationMs: Math.max((parts.at(-1)?.timeMs ?? started.timeMs) - started.timeMs, 0),
      parts: parts.length,
    },
  };
}

/** Our own bytes; what is damaged is the verifier's to find. */
function read(bytes: Uint8Array): OwnRecord {
  const record: unknown = JSON.parse(Buffer.from(bytes).toString());
  const { type, time } = typeof record === "object" && record !== null ? (record as { type?: unknown; time?: unknown }) : {};
  return { type: String(type), timeMs: Date.parse(String(time)), bytes };
}
