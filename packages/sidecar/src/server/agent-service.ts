import {
  CountersignError,
  type HttpApi,
  isOpaque,
  type PlanLine,
  type Principal,
  type PublicPolicy,
  type RequestSnapshot,
} from "@countersign/policy";
import * as rpc from "@countersign/rpc";
import type * as grpc from "@grpc/grpc-js";
import type { Call } from "../call.ts";
import type { Viewer } from "../event-writer.ts";
import type { Guard } from "../guard.ts";
import { type PlanCall, planCall } from "../plan/asked-plan.ts";
import { planStatus } from "../plan/status.ts";
import type { Resources } from "../resources.ts";
import { operationFromWire, wireDecision, wireState } from "../wire.ts";
import { Multiplex } from "./multiplex.ts";
import { gone } from "./shared-call.ts";
import { errorInfo, statusResponse } from "./status.ts";

/** What the agents' service needs. */
export interface AgentServiceParts {
  readonly guard: Guard;
  readonly resources: Resources;
  readonly shownPolicy: () => PublicPolicy;
  readonly approvalUrl: (id: string) => string;
  /** Who calls, on this listener. */
  readonly authenticate: (metadata: grpc.Metadata) => Principal | Promise<Principal>;
  /** Told of errors that are nobody's fault but ours. */
  readonly onInternalError: (error: unknown) => void;
}

/** AgentService on one listener. */
export interface AgentService {
  readonly handlers: rpc.AgentServiceServer;
  /** Refuses new calls on shared streams and ends each when its last call has ended; calls of their own are the transport's to refuse. */
  close(): void;
}

const longestKey = 256;
const longestReason = 4096;

/** Makes AgentService for one listener. A handler is: authenticate, parse, guard, answer. */
export function agentService(parts: AgentServiceParts): AgentService {
  const { guard, resources, shownPolicy, approvalUrl, authenticate } = parts;
  const shared = new Set<Multiplex>();

  const unary = <Request, Response>(handle: (request: Request, principal: Principal) => Response | Promise<Response>) => {
    return (call: grpc.ServerUnaryCall<Request, Response>, answer: grpc.sendUnaryData<Response>): void => {
      void (async () => {
        try {
          answer(null, await handle(call.request, await authenticate(call.metadata)));
        } catch (error) {
          answer(fail(error));
        }
      })();
    };
  };

  const streaming = <Request, Response extends { events: rpc.Event[] }>(
    handle: (request: Request, principal: Principal, viewer: Viewer) => Promise<void>,
  ) => {
    return (call: grpc.ServerWritableStream<Request, Response>): void => {
      void (async () => {
        try {
          await handle(call.request, await authenticate(call.metadata), viewerOf(call));
          call.end();
        } catch (error) {
          call.emit("error", fail(error));
        }
      })();
    };
  };

  function execute(submit: rpc.SubmitRequest, principal: Principal, viewer: Viewer): Promise<void> {
    return guard.execute(callOf(submit, principal, false), viewer);
  }

  function statusOf(request: RequestSnapshot): rpc.PlanStatus {
    return planStatus(request, request.decision.effect === "review" ? approvalUrl(request.binding.requestId) : "");
  }

  function fail(error: unknown): Partial<grpc.StatusObject> {
    if (!(error instanceof CountersignError)) parts.onInternalError(error);
    return statusResponse(error);
  }

  function explain(error: unknown): rpc.ErrorInfo {
    if (!(error instanceof CountersignError)) parts.onInternalError(error);
    return errorInfo(error);
  }

  const handlers: rpc.AgentServiceServer = {
    check: unary(async (request: rpc.CheckRequest, principal) => {
      const { decision, facts, actionDigest } = await guard.check(
        callOf({ ...request, session: "", idempotencyKey: "" }, principal, false),
      );
      return { decision: wireDecision(decision, isOpaque(facts)), actionDigest };
    }),
    submit: unary(async (request: rpc.SubmitRequest, principal) => {
      const { decision, facts, request: opened } = await guard.submit(callOf(request, principal, true));
      const id = opened?.binding.requestId ?? "";
      return {
        requestId: id,
        actionDigest: opened?.binding.actionDigest ?? "",
        state: opened === undefined ? rpc.RequestState.DENIED : wireState[opened.state],
        approvalUrl: opened?.decision.effect === "review" ? approvalUrl(id) : "",
        decision: wireDecision(decision, isOpaque(facts)),
      };
    }),
    submitPlan: unary(async (request: rpc.SubmitPlanRequest, principal) => {
      const { decision, opaque, request: opened } = await guard.submitPlan(planCallOf(request, principal));
      return { plan: opened && statusOf(opened), decision: wireDecision(decision, opaque) };
    }),
    getPlan: unary(async (request: rpc.GetPlanRequest, principal) => ({
      plan: statusOf(await guard.plan(principal, request.requestId)),
    })),
    executeLine: streaming(({ requestId, index, action }: rpc.ExecuteLineRequest, principal, viewer) =>
      guard.executeLine(principal, requestId, index, planLineOf(action), viewer),
    ),
    watch: streaming((request: rpc.WatchRequest, principal, viewer) =>
      guard.watch(principal, request.requestId, request.afterSequence, viewer),
    ),
    execute: streaming((request: rpc.ExecuteRequest, principal, viewer) => {
      if (request.submit === undefined) throw new CountersignError("invalid_request", "`submit` is missing.");
      return execute(request.submit, principal, viewer);
    }),
    multiplex: (stream) => {
      const multiplex = new Multiplex(stream, { authenticate, execute, fail, explain });
      shared.add(multiplex);
      stream.once("close", () => shared.delete(multiplex));
    },
    cancel: unary(async (request: rpc.CancelRequest, principal) => ({
      state: wireState[await guard.cancel(principal, request.requestId)],
    })),
    listResources: unary(() => ({
      resources: resources.list().map(({ name, type, labels, roles, searchPath = [], origin = "", api }) => ({
        ...{ name, type, labels: { ...labels }, origin, httpApi: httpApiOf(api?.current) },
        ...{ roles: [...roles].sort(), searchPath: [...searchPath] },
      })),
    })),
    getPolicy: unary((_request: rpc.GetPolicyRequest, { issuer, subject, groups, claims }) => {
      const { digest, files, partial } = shownPolicy();
      return {
        policyDigest: digest,
        files: { ...files },
        principal: { issuer, subject, groups: [...groups] },
        claimsJson: JSON.stringify(claims),
        partial,
      };
    }),
  };
  return {
    handlers,
    close() {
      for (const multiplex of shared) multiplex.close();
    },
  };
}

function planCallOf({ lines, reason, session, idempotencyKey }: rpc.SubmitPlanRequest, principal: Principal): PlanCall {
  boundWords({ reason, session, idempotencyKey });
  return planCall({
    ...{ principal, reason, session, durable: true },
    operation: { kind: "plan", lines: lines.map(planLineOf) },
    ...(idempotencyKey === "" ? {} : { idempotencyKey }),
  });
}

function planLineOf(action: rpc.PlannedAction | undefined): PlanLine {
  return { resource: action?.resource ?? "", operation: operationFromWire(action?.operation) };
}

function httpApiOf(api: HttpApi | undefined): rpc.HttpApi | undefined {
  if (api === undefined) return undefined;
  const { graphql = "", operations } = api;
  return { graphql, documented: operations !== undefined, operations: [...(operations ?? [])] };
}

function boundWords({ reason, session, idempotencyKey }: Pick<rpc.SubmitRequest, "reason" | "session" | "idempotencyKey">): void {
  bound("reason", reason, longestReason);
  bound("session", session, longestKey);
  bound("idempotency_key", idempotencyKey, longestKey);
}

function callOf(request: rpc.SubmitRequest, principal: Principal, durable: boolean): Call {
  const { resource, reason, session, idempotencyKey } = request;
  boundWords(request);
  return {
    ...{ principal, resource, reason, session, durable },
    operation: operationFromWire(request.operation),
    ...(idempotencyKey === "" ? {} : { idempotencyKey }),
  };
}

function bound(field: string, value: string, most: number): void {
  if (Buffer.byteLength(value) > most)
    throw new CountersignError("invalid_request", `\`${field}\` is longer than ${most} bytes.`);
}

/** A gRPC stream as a viewer; a full stream makes the sender wait (HTTP/2 flow control). */
function viewerOf<Request, Response extends { events: rpc.Event[] }>(call: grpc.ServerWritableStream<Request, Response>): Viewer {
  const left = new AbortController();
  call.once("cancelled", () => left.abort(gone));
  call.once("close", () => call.writableFinished || left.abort(gone));
  return {
    signal: left.signal,
    send(events) {
      if (call.cancelled || left.signal.aborted) return;
      if (call.write({ events } as Response)) return;
      return new Promise((resolve) => {
        const proceed = () => {
          call.off("drain", proceed);
          left.signal.removeEventListener("abort", proceed);
          resolve();
        };
        call.once("drain", proceed);
        left.signal.addEventListener("abort", proceed, { once: true });
      });
    },
  };
}
