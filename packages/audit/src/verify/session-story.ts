import type { ParsedRecord } from "./record.ts";

/** A recorded session that has begun and not ended. */
interface OpenSession {
  readonly index: number;
  /** Parts so far. */
  readonly parts: number;
}

/**
 * Whether what the records say of recorded sessions can be true: each begins once, its parts follow each other from 1 with none missing, nothing follows its
 * end, and the end counts the parts that there are. Memory grows with what is open.
 */
export class SessionStory {
  readonly #open = new Map<string, OpenSession>();

  /** Takes the next record; gives what does not fit the ones before it, in words. */
  *next({ type, request, detail }: ParsedRecord, index: number): Generator<string> {
    if (type !== "session.started" && type !== "session.part" && type !== "session.ended") return;
    if (request === undefined) {
      yield "its session has no id";
      return;
    }
    const session = this.#open.get(request);
    if (type === "session.started") {
      if (session !== undefined) yield `the session ${request} begins a second time`;
      this.#open.set(request, { index, parts: 0 });
      return;
    }
    if (session === undefined) {
      yield `the session ${request} has not begun, or has ended before`;
      return;
    }
    if (type === "session.part") {
      if (detail.part !== session.parts + 1) yield `part ${session.parts + 1} of the session ${request} was to come`;
      this.#open.set(request, { ...session, parts: typeof detail.part === "number" ? detail.part : session.parts + 1 });
      return;
    }
    this.#open.delete(request);
    if (detail.parts !== session.parts) yield `the session ${request} ends with ${session.parts} parts, and says otherwise`;
  }

  /** What goes on, or was left without an end by a crash. */
  *open(): Generator<{ readonly request: string; readonly index: number }> {
    for (const [request, { index }] of this.#open) yield { request, index };
  }
}
