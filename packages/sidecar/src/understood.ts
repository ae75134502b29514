import type { Facts } from "@countersign/policy";
import type { Call } from "./call.ts";
import type { GuardedResource } from "./resources.ts";

/** A call with what it does, before policy is asked. */
export interface Understood {
  readonly call: Call;
  readonly resource: GuardedResource;
  readonly facts: Facts;
}
