import type { RequestBook, RequestSnapshot } from "@countersign/policy";
import { EventWriter, type Viewer } from "./event-writer.ts";
import { decisionBody, eventBody } from "./request-events.ts";
import type { Results } from "./results.ts";

/** Where an ended request can be read. */
export interface ReplayParts {
  readonly requests: RequestBook;
  readonly results: Results;
  readonly approvalUrl: (id: string) => string;
  readonly now: () => number;
}

/** Tells a viewer about a request that has ended: its events, what is kept of its result, and its outcome. */
export async function replay(request: RequestSnapshot, parts: ReplayParts, viewer: Viewer, afterSequence: number): Promise<void> {
  const { requestId } = request.binding;
  const writer = new EventWriter(viewer, requestId, parts.now);
  if (afterSequence === 0) await writer.add(0, decisionBody(request), request.createdMs);
  for await (const event of parts.requests.watch(requestId, 0, viewer.signal)) {
    const receipt =
      event.type === "ended" ? await parts.results.replay(requestId, event.sequence, afterSequence, writer) : undefined;
    if (event.sequence <= afterSequence) continue;
    await writer.add(event.sequence, eventBody(event, request, parts.approvalUrl(requestId), receipt), event.timeMs);
  }
  await writer.flush();
}
