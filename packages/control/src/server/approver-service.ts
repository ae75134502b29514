import { CountersignError, type PolicyStatusFeed } from "@countersign/policy";
import { ApproverServiceService, ErrorInfo, type WatchInboxResponse } from "@countersign/rpc";
import {
  Metadata,
  Server,
  type ServerUnaryCall,
  type ServerWritableStream,
  type ServiceError,
  type sendUnaryData,
  type UntypedServiceImplementation,
} from "@grpc/grpc-js";
import type { ApproverIdentity, ApproverSession } from "../identity.ts";
import type { ApproverApi } from "./approver-api.ts";
import { addOperations, listenOnLoopback, listenOnSocket, stopServer } from "./grpc-listener.ts";
import type { Method } from "./methods/method.ts";
import { approverMethods, type Desk } from "./methods/methods.ts";
import { grpcStatus, outward } from "./status.ts";

/** The trailer that carries a failed call's `ErrorInfo`. */
const errorTrailer = "countersign-error-bin";
/** No call of this service needs more, bytes: an edit carries a whole operation. */
const longestCall = 4 * 1024 * 1024;

/** How the approver service is served. */
export interface ApproverServerOptions {
  readonly desk: Desk;
  /** The policy's status, where this process knows it. */
  readonly policy?: PolicyStatusFeed;
  readonly identity: ApproverIdentity;
  /** Milliseconds since the Unix epoch. */
  readonly now: () => number;
  /** Where the Unix socket is made. */
  readonly socketPath: string;
  /** A loopback port besides; 0 picks a free one. */
  readonly port?: number;
  /** Told of defects, with their causes; nothing of them goes out. */
  readonly onInternalError: (error: unknown) => void;
}

/** The approver service, listening. */
export interface ApproverServer extends AsyncDisposable {
  /** What clients dial: `unix:///…`, then `127.0.0.1:PORT` if asked for. */
  readonly addresses: readonly string[];
  close(): Promise<void>;
}

/**
 * Serves ApproverService with gRPC health and reflection. Each call authenticates with `authorization: Bearer …`.
 *
 * @throws {ControlPlaneError} `address_unusable` or `folder_unsafe`.
 */
export async function serveApprovers(options: ApproverServerOptions): Promise<ApproverServer> {
  const server = new Server({ "grpc.max_receive_message_length": longestCall, "grpc.max_metadata_size": 16 * 1024 });
  const ending = new AbortController();
  server.addService(ApproverServiceService, approverService(options, ending.signal));
  addOperations(server, "countersign.v1.ApproverService");
  const close = async () => {
    ending.abort();
    await stopServer(server);
  };
  try {
    const addresses = [await listenOnSocket(server, options.socketPath)];
    if (options.port !== undefined) addresses.push(await listenOnLoopback(server, options.port));
    return { addresses, close, [Symbol.asyncDispose]: close };
  } catch (failure) {
    await close();
    throw failure;
  }
}

/** A handler is: authenticate, do, answer. */
function approverService(options: ApproverServerOptions, ending: AbortSignal): UntypedServiceImplementation {
  const { identity, onInternalError } = options;
  const { api, methods } = approverMethods(options.desk, options.policy);

  function unary(handle: Method["onMessage"]) {
    return (call: ServerUnaryCall<unknown, unknown>, answer: sendUnaryData<unknown>): void => {
      authenticate(identity, call.metadata)
        .then((session) => handle(session, call.request))
        .then(
          (response) => answer(null, response),
          (error) => answer(failure(error, onInternalError)),
        );
    };
  }

  return {
    ...Object.fromEntries(Object.entries(methods).map(([name, { onMessage }]) => [name, unary(onMessage)])),
    watchInbox(call: ServerWritableStream<unknown, WatchInboxResponse>) {
      authenticate(identity, call.metadata)
        .then((session) => sendInbox(api, session, call, ending, options.now))
        .then(
          () => call.end(),
          (error) => call.emit("error", failure(error, onInternalError)),
        );
    },
  };
}

async function sendInbox(
  api: ApproverApi,
  { approver, expiresMs }: ApproverSession,
  call: ServerWritableStream<unknown, WatchInboxResponse>,
  ending: AbortSignal,
  now: () => number,
): Promise<void> {
  const gone = new AbortController();
  call.on("cancelled", () => gone.abort());
  // A stream does not outlive the token that opened it.
  const expired = AbortSignal.timeout(Math.min(Math.max(expiresMs - now(), 0), 2 ** 31 - 1));
  for await (const message of api.inbox(approver, AbortSignal.any([gone.signal, ending, expired]))) {
    if (!call.write(message)) await drained(call, gone.signal);
  }
  if (expired.aborted) throw new CountersignError("unauthenticated", "The token has expired. Get a new one and watch again.");
}

/** Waits until a slow reader has caught up, or has gone. */
function drained(call: ServerWritableStream<unknown, WatchInboxResponse>, gone: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      call.off("drain", done);
      gone.removeEventListener("abort", done);
      resolve();
    };
    call.on("drain", done);
    gone.addEventListener("abort", done);
    if (gone.aborted) done();
  });
}

async function authenticate(identity: ApproverIdentity, metadata: Metadata): Promise<ApproverSession> {
  const values = metadata.get("authorization");
  const [value] = values;
  if (values.length !== 1 || typeof value !== "string" || !value.startsWith("Bearer ")) {
    throw new CountersignError(
      "unauthenticated",
      "The call needs one `authorization: Bearer …` header with an approver's token.",
    );
  }
  return identity.verify(value.slice("Bearer ".length));
}

function failure(error: unknown, onInternalError: (error: unknown) => void): Partial<ServiceError> & Error {
  const known = outward(error);
  if (known.code === "internal") onInternalError(error);
  const { code, message, retryable, requestId = "", targetCode = "" } = known;
  const metadata = new Metadata();
  metadata.set(errorTrailer, Buffer.from(ErrorInfo.encode({ code, message, requestId, retryable, targetCode }).finish()));
  return Object.assign(new Error(message), { code: grpcStatus(code), details: message, metadata });
}
