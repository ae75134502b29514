import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  type AgentServiceServer,
  AgentServiceService,
  Effect,
  ErrorInfo,
  type Event,
  type ExecuteLineRequest,
  type ExecuteLineResponse,
  type Operation,
  type Outcome,
  type PostgresQuery,
  RequestState,
  type SubmitRequest,
  type SubmitResponse,
  type WatchRequest,
  type WatchResponse,
} from "@countersign/rpc";
import { Metadata, Server, ServerCredentials, type ServerWritableStream, type ServiceError, status } from "@grpc/grpc-js";
import { Countersign, type CountersignOptions } from "./client.ts";
import { type Execute, type ExecuteCall, TestingStream } from "./testing-multiplex.ts";

/** A stream of events to a caller. */
export type Viewer = ExecuteCall | ServerWritableStream<WatchRequest, WatchResponse>;

/** What a stand-in agent service answers; what is absent is UNIMPLEMENTED. */
export interface Script {
  execute?: (submit: SubmitRequest, call: ExecuteCall) => void;
  watch?: (request: WatchRequest, call: ServerWritableStream<WatchRequest, WatchResponse>) => void;
  submit?: (request: SubmitRequest) => SubmitResponse;
  unary?: Partial<Pick<AgentServiceServer, "cancel" | "getPolicy" | "listResources" | "check" | "submitPlan" | "getPlan">>;
  line?: (request: ExecuteLineRequest, call: ServerWritableStream<ExecuteLineRequest, ExecuteLineResponse>) => void;
  /** Whether it knows shared streams; it does when this is absent. */
  sharing?: boolean;
}

/** An agent service for tests of the client alone: a real gRPC server on a Unix socket that says what the test scripts. */
class TestingAgent implements AsyncDisposable {
  readonly address: string;
  readonly script: Script;
  /** What came in. */
  readonly executed: SubmitRequest[] = [];
  readonly watched: WatchRequest[] = [];
  readonly submitted: SubmitRequest[] = [];
  readonly metadata: Metadata[] = [];
  /** The shared streams, and how many actions came on streams of their own. */
  readonly shared: TestingStream[] = [];
  own = 0;
  readonly #folder: string;
  #server: Server | undefined;

  private constructor(folder: string, script: Script) {
    this.#folder = folder;
    this.address = `unix://${join(folder, "agent.sock")}`;
    this.script = script;
  }

  static async start(script: Script): Promise<TestingAgent> {
    const agent = new TestingAgent(await mkdtemp(join(tmpdir(), "countersign-sdk-")), script);
    await agent.up();
    return agent;
  }

  /** Starts (again) at the same address. */
  async up(): Promise<void> {
    const server = new Server({ "grpc.max_receive_message_length": -1 });
    server.addService(AgentServiceService, this.#service());
    await rm(join(this.#folder, "agent.sock"), { force: true });
    await new Promise<void>((resolve, reject) => {
      server.bindAsync(this.address, ServerCredentials.createInsecure(), (error) => (error ? reject(error) : resolve()));
    });
    this.#server = server;
  }

  /** Cuts every connection, as a killed process would. */
  down(): void {
    this.#server?.forceShutdown();
    this.#server = undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.down();
    await rm(this.#folder, { recursive: true, force: true });
  }

  #service(): Partial<AgentServiceServer> & Record<string, AgentServiceServer[keyof AgentServiceServer]> {
    const missing = Object.assign(new Error("not scripted"), { code: status.UNIMPLEMENTED });
    const answer: AgentServiceServer["check"] = (_call, done) => done(missing);
    const execute: Execute = (submit, call, metadata) => {
      this.executed.push(submit);
      this.metadata.push(metadata);
      if (this.script.execute === undefined) call.emit("error", missing);
      else this.script.execute(submit, call);
    };
    return {
      check: answer,
      cancel: (_call, done) => done(missing),
      getPolicy: (_call, done) => done(missing),
      listResources: (_call, done) => done(missing),
      ...this.script.unary,
      submit: (call, done) => {
        this.submitted.push(call.request);
        this.metadata.push(call.metadata);
        try {
          if (this.script.submit === undefined) throw missing;
          done(null, this.script.submit(call.request));
        } catch (error) {
          done(error as ServiceError);
        }
      },
      execute: (call) => {
        const { submit } = call.request;
        if (submit === undefined) throw new Error("no action");
        this.own++;
        execute(submit, call, call.metadata);
      },
      multiplex: (stream) => {
        if (this.script.sharing === false) stream.emit("error", missing);
        else this.shared.push(new TestingStream(stream, execute));
      },
      executeLine: (call) => {
        if (this.script.line === undefined) call.emit("error", missing);
        else this.script.line(call.request, call);
      },
      watch: (call) => {
        this.watched.push(call.request);
        if (this.script.watch === undefined) call.emit("error", missing);
        else this.script.watch(call.request, call);
      },
    };
  }
}

/** A client of an agent service that answers by the script. */
export async function connected(script: Script, options: Partial<CountersignOptions> = {}) {
  const service = await TestingAgent.start(script);
  const cs = new Countersign({ address: service.address, ...options });
  return {
    service,
    cs,
    db: cs.postgres("orders-db"),
    [Symbol.asyncDispose]: async () => {
      await cs.close();
      await service[Symbol.asyncDispose]();
    },
  };
}

/** The request that scripted events are about. */
export const requestId = "req_0000000000000000000000test";
export const actionDigest = `sha256:${"ab".repeat(32)}`;

/** Numbers some events from a sequence on. */
export function numbered(from: number, ...bodies: NonNullable<Event["event"]>[]): { events: Event[] } {
  return { events: bodies.map((event, index) => ({ sequence: from + index, requestId, timeMs: 1_700_000_000_000, event })) };
}

/** A decision event. */
export function decided(effect: Effect = Effect.ALLOW): NonNullable<Event["event"]> {
  const limits = { rows: 0, bytes: 0, timeMs: 0 };
  const decision = { effect, rules: ["a-rule"], role: "reader", limits, message: "", policyDigest: "sha256:00", opaque: false };
  return { $case: "decided", value: { decision, actionDigest } };
}

export const pending: NonNullable<Event["event"]> = {
  $case: "pending",
  value: { requestDigest: "sha256:cd", approvalUrl: "http://127.0.0.1:1/requests/x", expiresMs: 1_700_000_600_000 },
};
export const approved: NonNullable<Event["event"]> = { $case: "approved", value: { validUntilMs: 1_700_000_700_000, grant: "" } };
export const executing: NonNullable<Event["event"]> = { $case: "executing", value: {} };

/** Columns by name and type OID. */
export function columns(...named: [name: string, typeOid: number][]): NonNullable<Event["event"]> {
  return { $case: "columns", value: { columns: named.map(([name, typeOid]) => ({ name, typeOid, typeModifier: -1 })) } };
}

/** Rows of text values, as PostgreSQL would send them. */
export function rows(...values: (string | Buffer | null)[][]): NonNullable<Event["event"]> {
  return { $case: "rows", value: { data: Buffer.concat(values.map(dataRow)), count: values.length } };
}

/** One DataRow body. */
export function dataRow(values: readonly (string | Buffer | null)[]): Buffer {
  const parts: Buffer[] = [Buffer.from([values.length >> 8, values.length & 0xff])];
  for (const value of values) {
    const bytes = value === null ? undefined : Buffer.from(value);
    const length = Buffer.alloc(4);
    length.writeInt32BE(bytes?.length ?? -1);
    parts.push(length, ...(bytes ? [bytes] : []));
  }
  return Buffer.concat(parts);
}

/** The end. */
export function done(commandTag: string, changes: Partial<Outcome> = {}): NonNullable<Event["event"]> {
  const outcome: Outcome = {
    state: RequestState.SUCCEEDED,
    error: undefined,
    commandTag,
    rows: 0,
    rowsAffected: 0,
    bytes: 0,
    durationMs: 2,
    receipt: undefined,
    ...{ exitCode: undefined, signal: "", status: 0 },
  };
  return { $case: "done", value: { ...outcome, ...changes } };
}

/** An end that is not a success. */
export function ended(state: RequestState, code: string, message: string, targetCode = ""): NonNullable<Event["event"]> {
  return done("", { state, error: { code, message, requestId, retryable: false, targetCode } });
}

/** A failed call, with the trailer that a sidecar sends. */
export function failure(code: string, message: string, grpcStatus: status): Partial<ServiceError> & Error {
  const metadata = new Metadata();
  metadata.set(
    "countersign-error-bin",
    Buffer.from(ErrorInfo.encode({ code, message, requestId: "", retryable: false, targetCode: "" }).finish()),
  );
  return Object.assign(new Error(message), { code: grpcStatus, details: message, metadata });
}

/** The statement that an action asks for. */
export function queryOf(action: { readonly operation: Operation | undefined } | undefined): PostgresQuery | undefined {
  const operation = action?.operation?.operation;
  return operation?.$case === "postgresQuery" ? operation.value : undefined;
}

/** A statement that takes the place of another, as the sidecar tells of it. */
export function heldQuery(statement: string, ...values: string[]): Operation {
  const parameters = values.map((value) => ({ value: { $case: "text" as const, value } }));
  const rest = { types: [], input: undefined, connection: undefined, runs: undefined };
  return { operation: { $case: "postgresQuery", value: { statement, parameters, ...rest } } };
}
