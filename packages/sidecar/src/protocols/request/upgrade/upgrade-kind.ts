import type { Facts, Limits, Operation } from "@countersign/policy";
import type { GuardedResource } from "../../../resources.ts";
import type { Dispatch, DispatchOptions } from "../../connector.ts";
import type { ClientUpgrade } from "./client-upgrade.ts";

/** How WebSockets of one kind of API are taken. */
export interface UpgradeKind {
  /**
   * Which of the subprotocols that a client offers may be spoken, in its order.
   *
   * @throws {CountersignError} `invalid_request` when it offers what nobody may, or nothing that is spoken.
   */
  protocols(offered: readonly string[]): readonly string[];
  /**
   * Refuses at once what could never be dispatched, before a person is asked to approve it.
   *
   * @throws {CountersignError} `invalid_operation`.
   */
  accept(resource: GuardedResource, operation: Operation, facts: Facts): void;
  /** Whether an approval has to say `input: unseen` for it: what the client sends does what nobody was asked about. Absent = never. */
  needsUnseen?(operation: Operation): boolean;
  /** Begins the dispatch that takes a waiting client to the target. */
  dispatch(resource: GuardedResource, operation: Operation, way: UpgradeWay): Dispatch;
}

/** How an upgrade is dispatched. */
export interface UpgradeWay {
  readonly role: string;
  readonly limits: Limits;
  readonly options: DispatchOptions;
  readonly client: ClientUpgrade;
}
