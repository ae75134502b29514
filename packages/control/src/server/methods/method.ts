import type { ApproverSession } from "../../identity.ts";

/** One thing that an approver can ask for, whichever way it comes. */
export interface Method {
  /** Takes the message that gRPC has read, gives the one that it writes. */
  readonly onMessage: (session: ApproverSession, request: unknown) => Promise<unknown>;
  /** Takes and gives the messages' JSON form. */
  readonly onJson: (session: ApproverSession, body: unknown) => Promise<unknown>;
}

/** Joins a method's messages and what it does: parse, do, answer. */
export function method<Request, Response>(
  request: { fromJSON(value: unknown): Request },
  response: { toJSON(value: Response): unknown },
  handle: (session: ApproverSession, request: Request) => Response | Promise<Response>,
): Method {
  return {
    // The service's definition reads the message of this very method: that is the check beside the cast.
    onMessage: async (session, message) => handle(session, message as Request),
    onJson: async (session, body) => response.toJSON(await handle(session, request.fromJSON(body))),
  };
}
