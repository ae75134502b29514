import type { IncomingMessage } from "node:http";
import type { Facts, HttpRequest, KubernetesRequest, Limits, Operation } from "@countersign/policy";
import type { FailedLogin } from "../../../native/failed-logins.ts";
import type { GuardedResource } from "../../../resources.ts";
import type { Dispatch, DispatchOptions } from "../../connector.ts";
import type { StreamedBody } from "../exchange.ts";
import type { UpgradeKind } from "../upgrade/upgrade-kind.ts";
import type { AnswerForm } from "./answer.ts";

/** A request to whichever API. */
export type ApiRequest = HttpRequest | KubernetesRequest;

/** Where a client's request goes. */
export interface Route {
  readonly resource: string;
  /** The path with its query, as the target is asked for it. */
  readonly path: string;
}

/** What was asked, before it is known what of. */
export type Message = Omit<HttpRequest, "kind">;

/** A target that takes bodies as their clients send them. */
interface StreamTarget {
  /**
   * Refuses at once what could never be dispatched, see `Connector.accept`.
   *
   * @throws {CountersignError} `invalid_operation`.
   */
  acceptStreamed(operation: Operation, facts: Facts): void;
  relay(operation: Operation, role: string, limits: Limits, options: DispatchOptions, streamed: StreamedBody): Dispatch;
}

/** What the gates differ in that serve unmodified clients of an API on HTTP. */
export interface EntryKind extends AnswerForm {
  /** Its name in records. */
  readonly protocol: FailedLogin["protocol"];
  /** @throws {CountersignError} `unknown_resource` when it goes nowhere. */
  route(request: IncomingMessage): Route;
  /**
   * Whether a field of a client's is a credential that is left out, as the target must not get it.
   *
   * @throws {CountersignError} `unknown_resource` for a target of another kind.
   */
  isForeign(resource: GuardedResource): (name: string, value: string) => boolean;
  operation(message: Message): ApiRequest;
  /** Where a body goes on that is too large to be looked at; absent = nowhere. */
  streamsTo?(resource: GuardedResource): StreamTarget;
  /** Its targets can tell later what became of a write: each has records of its own, with the marker to ask by. */
  readonly marksWrites?: true;
  /** How WebSockets are taken; absent = they are not. */
  readonly upgrade?: UpgradeKind;
  /** Why a request is none that can be answered: it only makes sense as the beginning of something else. */
  refuses?(operation: ApiRequest): string | undefined;
  /** Whether a client may ask to be told where to come back (`Prefer: respond-async`, RFC 7240 §4.1). */
  readonly tellsWhere: boolean;
}
