import { once } from "node:events";
import { existsSync, mkdirSync, statSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import {
  ApproverServiceClient,
  ErrorInfo,
  type GetRequestResponse,
  RequestState,
  Verdict,
  type VoteResponse,
  type WatchInboxResponse,
} from "@countersign/rpc";
import { credentials, Metadata, makeGenericClientConstructor, type ServiceError, status } from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";
import { protoPath } from "grpc-health-check";
import { expect, onTestFinished, test, vi } from "vitest";
import { openPlane } from "../../fixtures/plane.ts";
import { agentAudience, approverAudience, signDevelopmentToken } from "../development-issuer.ts";
import { Approvers, developmentIdentity } from "../identity.ts";
import { openKeys } from "../keys.ts";
import { serveApprovers } from "./approver-service.ts";

async function served(options: { port?: number } = {}) {
  const plane = await openPlane();
  const { developmentIssuer: key } = openKeys(plane.folder);
  const approvers = new Approvers([
    { name: "alice", groups: ["dba"] },
    { name: "carol", groups: ["leads"] },
  ]);
  const { now } = plane;
  const socketPath = join(plane.folder, "run", "approver.sock");
  const failures: unknown[] = [];
  const serve = () =>
    serveApprovers({
      ...{ desk: plane, now, socketPath, ...options },
      identity: developmentIdentity(approvers, key.publicKey, now),
      onInternalError: (error) => failures.push(error),
    });
  const server = await serve();
  onTestFinished(() => server.close());
  const [address = ""] = server.addresses;
  const as = async (subject: string, audience: typeof agentAudience | typeof approverAudience = approverAudience) => {
    const metadata = new Metadata();
    const token = await signDevelopmentToken({ subject, audience, nowMs: now(), lifetimeSeconds: 600 }, key.privateKey);
    metadata.set("authorization", `Bearer ${token}`);
    return metadata;
  };
  const client = new ApproverServiceClient(address, credentials.createInsecure());
  onTestFinished(() => client.close());
  return { ...plane, server, serve, socketPath, client, as, failures };
}

/** A unary call as a promise; a failure carries its `ErrorInfo`. */
function call<Response>(start: (answer: (error: ServiceError | null, response: Response) => void) => unknown): Promise<Response> {
  return new Promise((resolve, reject) => {
    start((error, response) => {
      if (error === null) return resolve(response);
      const [info] = error.metadata.get("countersign-error-bin");
      reject({ status: error.code, ...(Buffer.isBuffer(info) ? ErrorInfo.decode(info) : {}) });
    });
  });
}

test("an approver lists, reads and votes; the sidecar can claim then", async () => {
  const { client, as, open, claim } = await served();
  const request = await open({ statement: "delete from orders\nwhere id = $1", owner: "olivia" });
  const { requestId: id } = request.binding;
  const alice = await as("alice");
  expect(await call((answer) => client.getSession({}, alice, answer))).toMatchObject({
    approver: { subject: "alice", groups: ["dba"] },
  });
  const list = await call((answer) =>
    client.listRequests({ states: [RequestState.PENDING], pageSize: 0, pageToken: "" }, alice, answer),
  );
  expect(list).toMatchObject({
    requests: [
      { id, state: RequestState.PENDING, headline: "delete from orders\\nwhere id = $1", rules: ["writes"], canVote: true },
    ],
    nextPageToken: "",
  });
  const { request: detail } = await call<GetRequestResponse>((answer) => client.getRequest({ id }, alice, answer));
  expect(detail).toMatchObject({
    operation: {
      operation: {
        $case: "postgresQuery",
        value: { statement: "delete from orders\nwhere id = $1", parameters: [{ value: { $case: "text", value: "7" } }] },
      },
    },
    reason: "duplicate order",
    role: "writer",
    target: { type: "postgres", address: "127.0.0.1:5432", database: "orders" },
    requestDigest: request.requestDigest,
    actionDigest: request.binding.actionDigest,
    limits: { rows: 1000, bytes: 0, timeMs: 0 },
    requirements: [{ rule: "writes", satisfied: false, stages: [{ approvers: ["group:dba"], count: 1, approved: 0 }] }],
    factsJson: '{"protocol":"postgres","sql":{"kinds":["DELETE"]}}',
    validForSeconds: 300,
    cannotVoteReason: "",
    history: [{ state: RequestState.PENDING, by: "agent" }],
  });
  const { requestDigest } = request;
  const vote = { id, requestDigest, verdict: Verdict.APPROVE, comment: "fine", grant: undefined, breakGlass: false, struck: [] };
  const after = await call<VoteResponse>((answer) => client.vote(vote, alice, answer));
  expect(after.request).toMatchObject({
    summary: { state: RequestState.APPROVED, canVote: false },
    requirements: [{ satisfied: true, stages: [{ approved: 1 }] }],
    votes: [
      {
        approver: { subject: "alice" },
        verdict: Verdict.APPROVE,
        comment: "fine",
        breakGlass: false,
      },
    ],
    cannotVoteReason: expect.stringContaining("approved"),
    history: [{}, { state: RequestState.APPROVED, by: "alice" }],
  });
  expect(await claim(request)).toMatchObject({ state: "executing" });
});

test("each refusal has its status and code", async () => {
  const { client, as, open, failures } = await served();
  const request = await open();
  const { requestId: id } = request.binding;
  const alice = await as("alice");
  const vote = {
    id,
    requestDigest: request.requestDigest,
    verdict: Verdict.APPROVE,
    comment: "",
    grant: undefined,
    breakGlass: false,
    struck: [],
  };
  const refused = (what: Partial<typeof vote> | { verdict: number }, metadata = alice) =>
    call((answer) => client.vote({ ...vote, ...what } as typeof vote, metadata, answer)).catch((error) => [
      error.status,
      error.code,
    ]);
  expect(await refused({}, await as("carol"))).toEqual([status.PERMISSION_DENIED, "not_an_approver"]);
  expect(await refused({ requestDigest: "sha256:00" })).toEqual([status.FAILED_PRECONDITION, "digest_mismatch"]);
  expect(await refused({ id: "req_none" })).toEqual([status.NOT_FOUND, "not_found"]);
  expect(await refused({ verdict: 0 })).toEqual([status.INVALID_ARGUMENT, "invalid_request"]);
  expect(await refused({ verdict: 7 })).toEqual([status.INVALID_ARGUMENT, "invalid_request"]);
  expect(await refused({ comment: "x".repeat(4097) })).toEqual([status.INVALID_ARGUMENT, "invalid_request"]);
  expect(await refused({ comment: "x".repeat(70_000) })).toEqual([status.INVALID_ARGUMENT, "invalid_request"]);
  expect(await refused({ comment: "x".repeat(5_000_000) })).toEqual([status.RESOURCE_EXHAUSTED, undefined]);
  const list = (pageToken: string, states: RequestState[] = [], pageSize = 0) =>
    call((answer) => client.listRequests({ states, pageSize, pageToken }, alice, answer)).catch((error) => error.code);
  expect(await list("bogus")).toBe("invalid_request");
  expect(await list("", [99 as RequestState])).toBe("invalid_request");
  expect(await list("", [], 201)).toBe("invalid_request");
  expect(failures).toEqual([]);
});

test("every call needs an approver's token", async () => {
  const { client, as } = await served();
  const basic = new Metadata();
  basic.set("authorization", "Basic YTpi");
  for (const metadata of [new Metadata(), basic, await as("mallory"), await as("alice", agentAudience)]) {
    const code = await call((answer) => client.getSession({}, metadata, answer)).catch((error) => [error.status, error.code]);
    expect(code).toEqual([status.UNAUTHENTICATED, "unauthenticated"]);
    const stream = client.watchInbox({}, metadata);
    const error = await new Promise<ServiceError>((resolve) => stream.once("error", resolve as (error: Error) => void));
    expect(error.code).toBe(status.UNAUTHENTICATED);
  }
});

test("the inbox gives what is pending, then what changes", async () => {
  const { client, as, open, vote } = await served();
  const before = await open();
  const seen: string[] = [];
  const stream = client.watchInbox({}, await as("alice"));
  stream.on("data", ({ request }: WatchInboxResponse) => seen.push(`${request?.id} ${request?.state} ${request?.canVote}`));
  const ended = new Promise<ServiceError>((resolve) => stream.once("error", resolve as (error: Error) => void));
  await vi.waitFor(() => expect(seen).toEqual([`${before.binding.requestId} ${RequestState.PENDING} true`]));
  const later = await open();
  await vi.waitFor(() => expect(seen.at(-1)).toBe(`${later.binding.requestId} ${RequestState.PENDING} true`));
  await vote(before);
  await vi.waitFor(() => expect(seen.at(-1)).toBe(`${before.binding.requestId} ${RequestState.APPROVED} false`));
  stream.cancel();
  expect((await ended).code).toBe(status.CANCELLED);
});

test("the socket is the owner's alone, replaces a stale one, and is gone after", async () => {
  const { server, socketPath, serve } = await served();
  expect(statSync(socketPath).mode & 0o777).toBe(0o600);
  expect(statSync(dirname(socketPath)).mode & 0o777).toBe(0o700);
  await server.close();
  expect(existsSync(socketPath)).toBe(false);
  await (await serve()).close();
  writeFileSync(socketPath, "someone's file");
  await expect(serve()).rejects.toMatchObject({ code: "address_unusable" });
});

test("a socket path that is too long is refused with what to do", async () => {
  const plane = await openPlane();
  const { now, folder } = plane;
  const deep = join(folder, "x".repeat(110));
  mkdirSync(deep);
  const identity = developmentIdentity(new Approvers([]), openKeys(folder).developmentIssuer.publicKey, now);
  const options = { desk: plane, now, identity, socketPath: join(deep, "a.sock"), onInternalError: () => {} };
  await expect(serveApprovers(options)).rejects.toMatchObject({
    code: "address_unusable",
    message: expect.stringContaining("shorter"),
  });
});

test("a loopback port, health and reflection are there", async () => {
  const { server } = await served({ port: 0 });
  const [, tcp = ""] = server.addresses;
  expect(tcp).toMatch(/^127\.0\.0\.1:\d+$/);
  const definition = loadSync(protoPath)["grpc.health.v1.Health"];
  const health = new (makeGenericClientConstructor(definition as never, "Health"))(tcp, credentials.createInsecure());
  onTestFinished(() => health.close());
  const check = (service: string) => call<{ status: string }>((answer) => health.Check?.({ service }, answer));
  expect(await check("countersign.v1.ApproverService")).toMatchObject({ status: 1 });
  await expect(check("countersign.v1.AgentService")).rejects.toMatchObject({ status: status.NOT_FOUND });

  const proto = createRequire(import.meta.url).resolve("@grpc/reflection/build/proto/grpc/reflection/v1/reflection.proto");
  const reflected = loadSync(proto, { defaults: true })["grpc.reflection.v1.ServerReflection"];
  const reflection = new (makeGenericClientConstructor(reflected as never, "Reflection"))(tcp, credentials.createInsecure());
  onTestFinished(() => reflection.close());
  const stream = reflection.ServerReflectionInfo?.();
  const answer = once(stream, "data");
  stream.write({ listServices: "" });
  expect((await answer)[0]).toMatchObject({ listServicesResponse: { service: [{ name: "countersign.v1.ApproverService" }] } });
  stream.end();
});
