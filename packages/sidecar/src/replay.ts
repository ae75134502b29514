import type { RequestBook, RequestSnapshot } from "@countersign/policy";
import { EventWriter, type Viewer } from "./event-writer.ts";
import { decisionBody, eventBody } from "./request-events.ts";
import type { Results } from "./results.ts";
import { type Place, replacedBody, type Succession } from "./succession.ts";

/** Where an ended request can be read. */
export interface ReplayParts {
  readonly requests: RequestBook;
  readonly results: Results;
  readonly approvalUrl: (id: string) => string;
  readonly now: () => number;
}

/**
 * Tells a viewer about a request that has ended: its events, what is kept of its result, and its outcome, or what took its place, which it
 * gives.
 */
export async function replay(
  request: RequestSnapshot,
  parts: ReplayParts,
  viewer: Viewer,
  { after, offset }: Place,
): Promise<Succession | undefined> {
  const { requestId } = request.binding;
  const writer = new EventWriter(viewer, requestId, parts.now, offset);
  let succession: Succession | undefined;
  if (after < 0) await writer.add(0, decisionBody(request), request.createdMs);
  for await (const event of parts.requests.watch(requestId, 0, viewer.signal)) {
    const { sequence } = event;
    const ended = event.type === "ended" ? event.outcome : undefined;
    if (ended?.replacedBy !== undefined) succession = { requestId: ended.replacedBy, sequence };
    const receipt = ended && (await parts.results.replay(requestId, sequence, after, writer));
    if (sequence <= after) continue;
    const body =
      (ended && (await replacedBody(request, ended, parts.requests))) ??
      eventBody(event, request, parts.approvalUrl(requestId), receipt);
    await writer.add(sequence, body, event.timeMs);
  }
  await writer.flush();
  return succession;
}
