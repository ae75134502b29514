import { JsonObject } from "./json.ts";

/** A recorded session. */
export interface RecordedSession {
  readonly id: string;
  readonly kind: string;
  /** Whose it is. */
  readonly subject: string;
  readonly resource: string;
  readonly startedMs: number;
  /** Undefined while it goes on. */
  readonly end: { readonly reason: string; readonly message: string; readonly durationMs: number } | undefined;
}

/** A part of a recording. */
export interface RecordingPart {
  readonly session: RecordedSession;
  /** Lines of asciicast, the header first. */
  readonly lines: string;
  readonly next: number;
  readonly complete: boolean;
  readonly erased: number;
}

/** ListSessionsResponse. @throws {DecodeError} */
export function decodeSessions(value: unknown): readonly RecordedSession[] {
  return new JsonObject(value, "answer").list("sessions", (one, path) => session(new JsonObject(one, path)));
}

/** CutSessionResponse. @throws {DecodeError} */
export function decodeCut(value: unknown): RecordedSession {
  return session(new JsonObject(value, "answer").object("session"));
}

/** ReadSessionResponse. @throws {DecodeError} */
export function decodePart(value: unknown): RecordingPart {
  const json = new JsonObject(value, "answer");
  return {
    session: session(json.object("session")),
    ...{
      lines: json.string("lines"),
      next: json.count("next"),
      complete: json.boolean("complete"),
      erased: json.count("erased"),
    },
  };
}

function session(json: JsonObject): RecordedSession {
  const end = json.has("end") ? json.object("end") : undefined;
  return {
    ...{ id: json.string("id"), kind: json.string("kind"), resource: json.string("resource") },
    ...{ subject: json.object("principal").string("subject"), startedMs: json.count("startedMs") },
    end: end && { reason: end.string("reason"), message: end.string("message"), durationMs: end.count("durationMs") },
  };
}
