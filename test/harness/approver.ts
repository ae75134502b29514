import { setTimeout as sleep } from "node:timers/promises";
import {
  ApproverServiceClient,
  type GetRequestResponse,
  type RequestDetail,
  type RequestState,
  Verdict,
  type VoteResponse,
} from "@countersign/rpc";
import { credentials, Metadata } from "@grpc/grpc-js";
import type { Instance } from "./instance.ts";

/** A person's connection to the approver API, as a program of theirs would use it. */
export interface ApproverConnection extends Disposable {
  readonly client: ApproverServiceClient;
  readonly metadata: Metadata;
}

/** Connects as a development approver. */
export async function approverClient(instance: Instance, name: string): Promise<ApproverConnection> {
  const { stdout, stderr, code } = await instance.cli("token", "--subject", name, "--audience", "approver");
  if (code !== 0) throw new Error(`countersign token: ${stderr}`);
  const metadata = new Metadata();
  metadata.set("authorization", `Bearer ${stdout.trim()}`);
  const client = new ApproverServiceClient(instance.at.approver.replace(/^unix:\/\//, "unix:"), credentials.createInsecure());
  return { client, metadata, [Symbol.dispose]: () => client.close() };
}

/** One request whole. */
export function getRequest({ client, metadata }: ApproverConnection, id: string): Promise<RequestDetail> {
  return new Promise((resolve, reject) => {
    client.getRequest({ id }, metadata, (error, answer: GetRequestResponse) => {
      if (error === null && answer.request !== undefined) resolve(answer.request);
      else reject(error ?? new Error("empty answer"));
    });
  });
}

/** Votes over what the request's digest is now, or over the digest given. */
export async function vote(
  connection: ApproverConnection,
  id: string,
  verdict: "approve" | "deny",
  digest?: string,
  comment = "",
): Promise<RequestDetail> {
  const requestDigest = digest ?? (await getRequest(connection, id)).requestDigest;
  return new Promise((resolve, reject) => {
    const message = {
      id,
      requestDigest,
      verdict: verdict === "approve" ? Verdict.APPROVE : Verdict.DENY,
      comment,
      grant: undefined,
      breakGlass: false,
      struck: [],
    };
    connection.client.vote(message, connection.metadata, (error, answer: VoteResponse) => {
      if (error === null && answer.request !== undefined) resolve(answer.request);
      else reject(error ?? new Error("empty answer"));
    });
  });
}

/** Waits until a request is in a state; fails when it ends in another or takes longer than 15 s. */
export async function waitForState(connection: ApproverConnection, id: string, state: RequestState): Promise<RequestDetail> {
  for (let tries = 0; tries < 300; tries++) {
    const request = await getRequest(connection, id);
    if (request.summary?.state === state) return request;
    await sleep(50);
  }
  const request = await getRequest(connection, id);
  throw new Error(`${id} is ${request.summary?.state}, not ${state}: ${JSON.stringify(request.outcome)}`);
}
