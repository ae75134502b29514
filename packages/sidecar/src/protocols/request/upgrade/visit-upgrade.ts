import type { IncomingMessage } from "node:http";
import { CountersignError, type Decision, type ErrorCode } from "@countersign/policy";
import type { NativeHost } from "../../../native/listener.ts";
import type { NativeGate } from "../../../native/native-gate.ts";
import type { NativeCaller, OwnConnection } from "../../../native/own-connection.ts";
import type { Ended } from "../../../native/waiting-client.ts";
import type { Admission } from "../entry/admission.ts";
import { Answer } from "../entry/answer.ts";
import { fieldsOf } from "../entry/asked-request.ts";
import { callerOf } from "../entry/caller.ts";
import type { ApiRequest, EntryKind } from "../entry/entry-kind.ts";
import { nameOf } from "../entry/open-requests.ts";
import { type Refusal, refuse } from "../entry/refusal.ts";
import { checkMessage } from "../entry/visit.ts";
import type { Field } from "../fields.ts";
import { ClientUpgrade } from "./client-upgrade.ts";
import { boundFields, readHandshake } from "./handshake.ts";
import type { RefusedUpgrades } from "./refused-upgrades.ts";
import { UpgradeConnection } from "./upgrade-connection.ts";

/** What every upgrade of a listener is served with. */
export interface UpgradeVisitParts {
  readonly host: NativeHost;
  readonly kind: EntryKind;
  /** The listener's name in records. */
  readonly listener: string;
  readonly admit: Admission;
  readonly refused: RefusedUpgrades;
}

const longestReason = 1000;

/** Serves one client that asks for a WebSocket: who it is, what it asks for, and then the guard. Never rejects. @param early see `readHandshake`. */
export async function visitUpgrade(request: IncomingMessage, early: Buffer, parts: UpgradeVisitParts): Promise<void> {
  using client = clientOf(request, parts);
  if (client === undefined) return;
  const tell = (refusal: Refusal) => {
    // RFC 6455 §4.2.2.
    if (!client.response.headersSent) client.response.setHeader("sec-websocket-version", "13");
    refuse(client.response, refusal, parts.kind.refusalForm);
  };
  const fields = fieldsOf(request);
  try {
    checkMessage(request, fields, parts);
    const principal = await callerOf(request, fields, parts);
    using place = parts.admit(principal);
    if (place === undefined)
      throw new CountersignError("too_many_requests", "This agent has too many requests open.", { retryable: true });
    const { resource, path } = parts.kind.route(request);
    const reason = (fields.find(([given]) => given.toLowerCase() === "countersign-reason")?.[1] ?? "").slice(0, longestReason);
    const refusal = await ask({ request, client, fields, early, principal, resource, path, reason }, parts);
    const told = client.isTaken ? undefined : refusal;
    parts.refused.ended(principal, resource, path, told);
    if (told !== undefined) tell(told);
  } catch (error) {
    if (error instanceof CountersignError) return tell({ ...error, message: error.message });
    parts.host.onInternalError(error);
    tell({ code: "internal", message: "An internal error stopped it." });
  }
}

/** One that has sent it behind a request that is not answered yet is cut off: two answers would be written at once (RFC 9112 §9.3.2). */
function clientOf(request: IncomingMessage, { host, kind, listener }: UpgradeVisitParts): ClientUpgrade | undefined {
  try {
    return new ClientUpgrade(request);
  } catch {
    const { socket } = request;
    const from = `${socket.remoteAddress ?? ""}:${socket.remotePort ?? 0}`;
    const why = "an upgrade behind a request that is not answered yet";
    host.failedLogins.note({ protocol: kind.protocol, listener, from, claims: {}, proof: "none", why });
    socket.destroy();
    return undefined;
  }
}

/** One client and what it wants. */
interface Asked {
  readonly request: IncomingMessage;
  readonly client: ClientUpgrade;
  readonly fields: readonly Field[];
  readonly early: Buffer;
  readonly principal: Awaited<ReturnType<typeof callerOf>>;
  readonly resource: string;
  readonly path: string;
  readonly reason: string;
}

/** Decides, waits and runs; gives why not, unless the client has heard it. */
async function ask(asked: Asked, { host, kind, refused }: UpgradeVisitParts): Promise<Refusal | undefined> {
  const { request, client, fields, early, principal, resource: name, path, reason } = asked;
  const { upgrade } = kind;
  const resource = host.resources.get(name);
  const isForeign = kind.isForeign(resource);
  const id = host.random(18).toString("base64url");
  const own = new UpgradeConnection(upgrade, resource, client);
  const operationWith = (protocols: readonly string[]): ApiRequest => {
    const headers = boundFields(fields, protocols).filter(
      ([given, value]) => !(isOurs(given) || isForeign(given.toLowerCase(), value)),
    );
    return kind.operation({ method: request.method ?? "", path, headers, streamed: true, connection: { id } });
  };
  const caller = { connection: id, principal, resource: name, role: undefined, session: "", reason };
  using gate = await gateOf(
    caller,
    own,
    () => {
      // Locked out: that is on record like every other refusal.
      const call = { principal, resource: name, operation: operationWith([]), reason, session: "", durable: false };
      return host.guard.execute(call, new Answer(client.response, kind, { type: "open" }));
    },
    host,
  );
  let operation: ApiRequest;
  try {
    if (upgrade === undefined) throw new CountersignError("invalid_request", "WebSockets are not taken here.");
    operation = operationWith(upgrade.protocols(readHandshake(request, fields, early).protocols));
  } catch (error) {
    if (!(error instanceof CountersignError)) throw error;
    return refusalOf(await gate.refuse(operationWith([]), error), client);
  }
  const same = `${nameOf(principal, name, operation)} ${reason}`;
  const before = refused.answerTo(same);
  if (before !== undefined) return before;
  // Asked once, where a flood has been counted: what it takes to decide may be a question to the target.
  const refuses = upgrade.needsUnseen?.(operation) ? refusesUnseen : undefined;
  let isHeld = false;
  const ended = await gate.run(operation, { pending: () => (isHeld = true) }, client.signal, refuses);
  const refusal = refusalOf(ended, client, own.isCut);
  if (refusal !== undefined && isHeld && isAnswered.has(ended.state)) refused.answered(same, refusal);
  return refusal;
}

/** @throws {CountersignError} `revoked` when the caller or the resource is locked; recorded before. */
async function gateOf(
  caller: NativeCaller,
  own: OwnConnection,
  recorded: () => Promise<void>,
  { guard }: NativeHost,
): Promise<NativeGate> {
  try {
    return guard.native(caller, own);
  } catch (error) {
    await recorded();
    throw error;
  }
}

const unseen = new CountersignError(
  "invalid_operation",
  "What its client sends while it runs would be seen by nobody who agrees to it: the rule has to say `input: unseen`, or ask for it without standard input and terminal.",
);

/** Whether policy lets a client's input through that nobody has seen. */
function refusesUnseen(decision: Decision): CountersignError | undefined {
  return decision.effect === "review" && decision.approval.input !== "unseen" ? unseen : undefined;
}

/** A person has said no, or nobody has said anything for as long as the policy waits. */
const isAnswered: ReadonlySet<Ended["state"]> = new Set(["denied", "expired", "revoked"]);

/** @param isCut the gate has ended it: what was not revoked is cut by nothing but the sidecar's own end. */
function refusalOf({ state, failure, requestId }: Ended, { signal }: ClientUpgrade, isCut = false): Refusal | undefined {
  if (state === "succeeded") return undefined;
  // It was cut off, or did not wait: that says more than that it has left.
  if (signal.aborted && (state === "cancelled" || failure?.code === "cancelled"))
    return { code: isCut ? "shutting_down" : "invalid_request", message: String(signal.reason), requestId };
  return { code: (failure?.code ?? "internal") as ErrorCode, message: failure?.message ?? "It was not sent.", requestId };
}

/** Between the client and us. */
function isOurs(given: string): boolean {
  return /^(?:host|authorization|keep-alive|proxy-connection|accept-encoding|countersign-reason)$/i.test(given);
}
