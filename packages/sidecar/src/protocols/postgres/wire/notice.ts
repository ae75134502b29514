import { complaintMessage } from "./server-message.ts";

/** A NoticeResponse: the client waits, and for whom. */
export function waitingNotice(request: { requestId: string; approvalUrl: string; expiresMs: number }, why: string): Buffer {
  const { requestId, approvalUrl, expiresMs } = request;
  return complaintMessage({
    severity: "NOTICE",
    sqlstate: "00000",
    message: `Countersign: waiting for approval (${requestId})`,
    detail: `${why} It expires at ${new Date(expiresMs).toISOString()}.`,
    ...(approvalUrl === "" ? {} : { hint: `Approve it at ${approvalUrl}` }),
  });
}

/** A NoticeResponse of something that happened meanwhile. */
export function newsNotice(message: string, detail?: string): Buffer {
  return complaintMessage({
    severity: "NOTICE",
    sqlstate: "00000",
    message: `Countersign: ${message}`,
    ...(detail === undefined ? {} : { detail }),
  });
}
