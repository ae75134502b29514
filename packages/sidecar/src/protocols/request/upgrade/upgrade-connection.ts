import { CountersignError, type Facts, type Limits, type Operation } from "@countersign/policy";
import type { OwnConnection } from "../../../native/own-connection.ts";
import type { GuardedResource } from "../../../resources.ts";
import type { Dispatch, DispatchOptions } from "../../connector.ts";
import type { ClientUpgrade } from "./client-upgrade.ts";
import type { UpgradeKind } from "./upgrade-kind.ts";

/** The connection of one client that waits for its WebSocket, as the guard has it. */
export class UpgradeConnection implements OwnConnection {
  readonly #upgrade: UpgradeKind | undefined;
  readonly #resource: GuardedResource;
  readonly #client: ClientUpgrade;
  #isDispatched = false;
  #isCut = false;

  /** @param upgrade absent = WebSockets are not taken. */
  constructor(upgrade: UpgradeKind | undefined, resource: GuardedResource, client: ClientUpgrade) {
    this.#upgrade = upgrade;
    this.#resource = resource;
    this.#client = client;
  }

  /** Whether the gate has ended it. */
  get isCut(): boolean {
    return this.#isCut;
  }

  accept(operation: Operation, facts: Facts): void {
    this.#upgrade?.accept(this.#resource, operation, facts);
  }

  /** @throws {CountersignError} `cancelled` for all but the first: whoever knows the connection's name could ask for it by another way, and there is one client only. */
  dispatch(operation: Operation, role: string, limits: Limits, options: DispatchOptions): Dispatch {
    if (this.#upgrade === undefined) throw new TypeError("what is not taken is dispatched");
    if (this.#isDispatched) throw new CountersignError("cancelled", "The client's connection was used already; nothing ran.");
    this.#isDispatched = true;
    const client = this.#client;
    const signal = AbortSignal.any([options.signal, client.signal]);
    return this.#upgrade.dispatch(this.#resource, operation, { role, limits, options: { ...options, signal }, client });
  }

  cut(why: string): void {
    this.#isCut = true;
    this.#client.breakOff(why);
  }
}
