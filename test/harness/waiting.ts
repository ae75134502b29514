import { RequestState } from "@countersign/rpc";
import { expect } from "vitest";
import type { ApproverConnection } from "./approver.ts";

/** The request that waits and whose headline has a text, as an approver finds it; not one that is known already. */
export async function waitingId(
  { client, metadata }: ApproverConnection,
  text: string,
  known: readonly string[] = [],
): Promise<string> {
  const found = () =>
    new Promise<string>((resolve, reject) =>
      client.listRequests({ states: [RequestState.PENDING], pageSize: 0, pageToken: "" }, metadata, (error, answer) => {
        const one = answer?.requests.find(({ id, headline }) => headline.includes(text) && !known.includes(id));
        return error === null ? resolve(one?.id ?? "") : reject(error);
      }),
    );
  let id = "";
  await expect.poll(async () => (id = await found()), { timeout: 10_000 }).not.toBe("");
  return id;
}
