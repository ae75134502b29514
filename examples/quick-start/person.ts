import { approverClient, getRequest, vote } from "@countersign/test/harness/approver";
import type { Instance } from "@countersign/test/harness/instance";
import { done } from "./narration.ts";
import type { Story } from "./story.ts";

/** A scripted person at the approver API: waits for a request, looks at it, approves exactly that. */
export async function approvePending(instance: Instance, story: Story, signal: AbortSignal): Promise<void> {
  const id = await story.held;
  if (signal.aborted) return;
  using person = await approverClient(instance, "alice");
  const request = await getRequest(person, id);
  const operation = request.operation?.operation;
  story.check(
    "the person sees the whole statement",
    operation?.$case === "postgresQuery" && operation.value.statement === story.heldStatement,
  );
  story.check(
    "nothing has changed while it is held",
    (await instance.value("select count(*)::int from orders where status = 'duplicate'")) === 100,
  );
  await vote(person, id, "approve", request.requestDigest);
  done("A scripted person approved it through the approver API");
}
