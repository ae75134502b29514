import type { Facts } from "@countersign/policy";
import type { Call } from "./call.ts";
import type { Connector } from "./protocols/connector.ts";
import type { GuardedResource } from "./resources.ts";

/** A call with what it does, before policy is asked. */
export interface Understood {
  readonly call: Call;
  readonly resource: GuardedResource;
  readonly facts: Facts;
  /** By what it runs: the resource's connector, or the client's own connection. */
  readonly way: Pick<Connector, "dispatch">;
  /** The role that the caller has chosen already; undefined = policy's choice. */
  readonly role: string | undefined;
}
