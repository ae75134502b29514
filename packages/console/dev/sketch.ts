import type { DeepPartial, Operation, RequestDetail, Stage } from "@countersign/rpc";

/** What differs between the made-up requests. */
export interface Sketch {
  readonly statement: string;
  readonly parameters?: readonly (null | string | Uint8Array)[];
  readonly facts: Record<string, unknown>;
  /** Of another protocol than PostgreSQL: whose facts they are, what is asked for, and on what; `statement` is then its one line. */
  readonly protocol?: string;
  readonly operation?: Operation;
  readonly target?: Readonly<Record<string, string>>;
  readonly agent?: string;
  readonly resource?: string;
  readonly reason?: string;
  readonly rules?: readonly { rule: string; stages: readonly DeepPartial<Stage>[] }[];
  readonly askedMsAgo: number;
  readonly waitsMs: number;
  readonly cannotVote?: string;
  readonly session?: string;
  /** Anything else that the page is told. */
  readonly more?: DeepPartial<RequestDetail>;
  /** Requests that share it wait for the same action. */
  readonly alike?: string;
  readonly reminded?: number;
}

/** Milliseconds. */
export const minute = 60_000;
/** Milliseconds. */
export const hour = 60 * minute;
