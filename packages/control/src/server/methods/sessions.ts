import { CountersignError } from "@countersign/policy";
import * as rpc from "@countersign/rpc";
import type { RecordedSession, RecordedSessions } from "../../recorded-sessions.ts";
import type { Revoking } from "../../revoking.ts";
import type { SessionRecord } from "../../session-record.ts";
import { principalMessage } from "../messages.ts";
import { pageSize } from "../page-token.ts";
import { method } from "./method.ts";

const longestWaitMs = 5000;

/** Recorded sessions: looking, watching, cutting. */
export function sessionMethods(sessions: RecordedSessions, revoking: Revoking) {
  return {
    listSessions: method(rpc.ListSessionsRequest, rpc.ListSessionsResponse, (_, request) => {
      const limit = pageSize(request.pageSize);
      const { requestId: id } = request;
      const before = placeOf(request.pageToken);
      const page = sessions.list({ limit, ...(id !== "" && { id }), ...(before !== undefined && { before }) });
      const last = page.at(-1);
      return {
        sessions: page.map(sessionMessage),
        nextPageToken: last === undefined || page.length < limit ? "" : String(last.place),
      };
    }),
    readSession: method(rpc.ReadSessionRequest, rpc.ReadSessionResponse, async (_, { id, after, waitMs }) => {
      const part = await sessions.read(id, after, Math.min(waitMs, longestWaitMs));
      const { session, lines, next, complete, erased } = part;
      return { session: sessionMessage(session), lines: lines.toString(), next, complete, erased };
    }),
    cutSession: method(rpc.CutSessionRequest, rpc.CutSessionResponse, async ({ approver }, { id, reason }) => {
      await revoking.session(sessions.get(id), approver, reason);
      return { session: sessionMessage(sessions.get(id)) };
    }),
  };
}

function placeOf(token: string): number | undefined {
  if (token === "") return undefined;
  if (/^\d{1,15}$/.test(token)) return Number(token);
  throw new CountersignError("invalid_request", "The page token is not one that this service gave. Start at the first page.");
}

function sessionMessage({ id, started, ended }: RecordedSession): rpc.RecordedSession {
  const { principal, resource, timeMs, detail } = started;
  return {
    ...{ id, resource, startedMs: timeMs, kind: text(detail.kind), role: text(detail.role) },
    principal: principalMessage(principal),
    end: ended && endMessage(ended),
  };
}

function endMessage({ detail }: SessionRecord): rpc.SessionEnd {
  return {
    ...{ reason: text(detail.reason), message: text(detail.message), recording: text(detail.recording) },
    ...{ durationMs: count(detail.durationMs), parts: count(detail.parts) },
    ...{ output: count(detail.output), input: count(detail.input) },
  };
}

function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function count(value: unknown): number {
  return typeof value === "number" && value >= 0 ? value : 0;
}
