import type { RequestSnapshot } from "@countersign/policy";

/** What may be claimed. */
export interface Claimable {
  readonly id: string;
  readonly digest: RequestSnapshot["requestDigest"];
}

/** From a claimer to the control plane: the same two calls that a sidecar makes. */
export type Ask = { readonly number: number; readonly claim: Claimable } | { readonly number: number; readonly settle: string };

/** Its answer. */
export interface Answer {
  readonly number: number;
  /** The code of a refusal; absent = it is done. */
  readonly refused?: string;
}

/** What a claimer is started with. */
export interface Task {
  readonly requests: readonly Claimable[];
  /** In which order it goes about them. */
  readonly seed: number;
  readonly connection: {
    readonly host: string;
    readonly port: number;
    readonly database: string;
    readonly user: string;
    readonly password: string;
  };
}

/** What a claimer came to. */
export interface Result {
  readonly claimed: number;
  readonly refused: Readonly<Record<string, number>>;
}
