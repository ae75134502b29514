import type { RecordDraft } from "@countersign/audit";
import { z } from "zod";
import { endText, type RowStart, rowText } from "./journal-lines.ts";
import { type PassageState, type RowEnd, SharedRecord } from "./shared-record.ts";

const count = z.number().nonnegative();
const index = z.int().nonnegative();
const text = z.string();
const states = ["succeeded", "failed", "unknown", "unsent", "running"] as const satisfies readonly PassageState[];
const state = z.enum(states);

const terms = z.strictObject({
  connection: text,
  principal: z.object({ issuer: text, subject: text, groups: z.array(text) }),
  ...{ resource: text, role: text, session: text, reason: text },
  target: z.object({ type: text, address: text }).catchall(text),
  policy: z.templateLiteral(["sha256:", text]),
  rules: z.array(text),
  limits: z.looseObject({
    ...{ rows: count.exactOptional(), bytes: count.exactOptional(), timeMs: count.exactOptional() },
    masks: z.array(text).exactOptional(),
  }),
  readOnly: z.boolean(),
});

const row = z.tuple([index, index, count, count, index, index, state, z.unknown()], text.nullable());

/** See journal-lines.ts. */
const lineSchema = z.union([
  z.tuple([z.literal("open"), index, text, z.union([z.literal(1), z.literal(2)]), count, terms]),
  z.tuple([z.literal("operations"), index, z.array(z.unknown())]),
  z.tuple([z.literal("begin"), index, index, index, count, z.unknown()], z.unknown()),
  z.tuple([z.literal("end"), index, index, count, index, index, state], text.nullable()),
  z.tuple([z.literal("rows"), index, z.array(row)]),
]);

/** A record as it was noted. */
interface Noted {
  readonly about: Pick<SharedRecord, "serial" | "id" | "part" | "terms" | "openedMs">;
  readonly operations: unknown[];
  /** By number. */
  readonly begun: Map<number, RowStart>;
  readonly ended: Map<number, RowEnd>;
}

/** A record of a dead process, as far as it was noted. */
export interface NotedRecord {
  readonly id: string;
  readonly part: 1 | 2;
  draft(timeMs: number): RecordDraft;
}

/** What a journal's lines say, put together again. */
export class NotedRecords {
  /** By process and serial, in the order in which they were opened. */
  readonly #records = new Map<string, Noted>();

  /**
   * Takes the lines of a frame.
   *
   * @throws {Error} for a line that no journal of this version writes.
   */
  read(frame: string, run: string): void {
    for (const text of frame.split("\n")) if (text !== "") this.#line(text, run);
  }

  #line(text: string, run: string): void {
    const line = lineSchema.parse(JSON.parse(text));
    const key = `${run} ${line[1]}`;
    if (line[0] === "open") {
      const [, serial, id, part, openedMs, terms] = line;
      // Once more: all that was known then follows.
      const about = { serial, id, part, openedMs, terms };
      this.#records.set(key, { about, operations: [], begun: new Map(), ended: new Map() });
      return;
    }
    const record = this.#records.get(key);
    // Its beginning was in a segment that is gone: it is in the log.
    if (record === undefined) return;
    switch (line[0]) {
      case "operations":
        record.operations.push(...line[2]);
        return;
      case "begin": {
        const [, , n, operation, at, parameters, ...added] = line;
        record.operations.push(...added);
        record.begun.set(n, { n, operation, at, parameters: JSON.stringify(parameters) });
        return;
      }
      case "end": {
        const [, , n, durationMs, rows, bytes, state, code, tag] = line;
        record.ended.set(n, endOf({ durationMs, rows, bytes, state }, code, tag));
        return;
      }
      case "rows":
        for (const [n, operation, at, durationMs, rows, bytes, state, parameters, code, tag] of line[2]) {
          record.begun.set(n, { n, operation, at, parameters: JSON.stringify(parameters) });
          record.ended.set(n, endOf({ durationMs, rows, bytes, state }, code, tag));
        }
    }
  }

  /** Those that have passages, oldest first. */
  records(): readonly NotedRecord[] {
    const noted = [...this.#records.values()];
    const split = new Set(noted.flatMap(({ about: { id, part } }) => (part === 2 ? [id] : [])));
    return noted
      .filter(({ begun }) => begun.size > 0)
      .map((one) => {
        const { id, part } = one.about;
        // What ran when the first part was made is told by the second one.
        const state = part === 1 && split.has(id) ? "running" : "unknown";
        return { id, part, draft: (timeMs) => draftOf(one, state, timeMs) };
      });
  }
}

function draftOf({ about, operations, begun, ended }: Noted, open: PassageState, timeMs: number): RecordDraft {
  const record = new SharedRecord(about);
  for (const operation of operations) record.addOperation(JSON.stringify(operation));
  for (const start of [...begun.values()].sort((a, b) => a.n - b.n)) {
    const end = ended.get(start.n) ?? { state: open, rows: 0, bytes: 0, durationMs: 0 };
    record.addRow(rowText(start, endText(end)), start.at + end.durationMs, end);
  }
  return record.draft(timeMs, true);
}

function endOf(end: RowEnd, code: string | null | undefined, tag: string | null | undefined): RowEnd {
  return {
    ...end,
    ...(typeof code === "string" ? { targetCode: code } : {}),
    ...(typeof tag === "string" ? { commandTag: tag } : {}),
  };
}
