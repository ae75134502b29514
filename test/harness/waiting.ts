import { RequestState } from "@countersign/rpc";
import { expect } from "vitest";
import type { ApproverConnection } from "./approver.ts";

/** The request that waits and whose headline has a text, as an approver finds it; not one that is known already. */
export async function waitingId(approver: ApproverConnection, text: string, known: readonly string[] = []): Promise<string> {
  let id = "";
  const found = async () => {
    const ids = await requestIds(approver, text, [RequestState.PENDING]);
    id = ids.find((one) => !known.includes(one)) ?? "";
    return id;
  };
  await expect.poll(found, { timeout: 10_000 }).not.toBe("");
  return id;
}

/** Every request whose headline has a text, in whichever state unless told. */
export function requestIds(
  { client, metadata }: ApproverConnection,
  text: string,
  states: RequestState[] = [],
): Promise<readonly string[]> {
  return new Promise((resolve, reject) =>
    client.listRequests({ states, pageSize: 0, pageToken: "" }, metadata, (error, answer) => {
      if (error !== null) reject(error);
      else resolve(answer.requests.flatMap(({ id, headline }) => (headline.includes(text) ? [id] : [])));
    }),
  );
}

/** Every request that waits. */
export function waitingIds({ client, metadata }: ApproverConnection): Promise<readonly string[]> {
  return new Promise((resolve, reject) =>
    client.listRequests({ states: [RequestState.PENDING], pageSize: 0, pageToken: "" }, metadata, (error, answer) =>
      error === null ? resolve(answer?.requests.map(({ id }) => id) ?? []) : reject(error),
    ),
  );
}
