import { CountersignError, type Json, type KubernetesRequest } from "@countersign/policy";
import type { Connector } from "../../connector.ts";
import { isFields } from "./field-difference.ts";

/** What an API server answered. */
export interface TargetAnswer {
  readonly status: number;
  /** As it was sent. */
  readonly text: string;
  /** Undefined where that is no JSON. */
  readonly value: Json | undefined;
}

/** More of an answer is not read, and it is not waited for longer. */
const limits = { bytes: 3 * 1024 * 1024, timeMs: 8000 } as const;

/** Asks an API server by the way and with the credential of a role. Nothing but reads and dry runs goes this way. */
export class AskingTarget {
  readonly #connector: Connector;
  readonly #role: string;
  readonly #signal: AbortSignal;

  constructor(connector: Connector, role: string, signal: AbortSignal) {
    this.#connector = connector;
    this.#role = role;
    this.#signal = signal;
  }

  /** Reads what is at a path. */
  get(path: string, accept = "application/json"): Promise<TargetAnswer> {
    return this.send({ kind: "kubernetes.request", method: "GET", path, headers: [["accept", accept]] });
  }

  /**
   * @param request - What stores nothing.
   * @throws {CountersignError} when there was no answer, or not a whole one.
   */
  async send(request: KubernetesRequest): Promise<TargetAnswer> {
    const dispatch = this.#connector.dispatch(request, this.#role, limits, { signal: this.#signal, readOnly: true });
    const parts: Buffer[] = [];
    try {
      await dispatch.prepare();
      let status = 0;
      const { state, failure } = await dispatch.run((chunk) => {
        if (chunk.type === "response") status = chunk.status;
        if (chunk.type === "body") parts.push(Buffer.from(chunk.data));
      });
      if (state !== "succeeded") throw new CountersignError("target_error", failure?.message ?? `it ended as ${state}.`);
      const text = Buffer.concat(parts).toString("utf8");
      return { status, text, value: json(text) };
    } finally {
      await dispatch.close();
    }
  }
}

/** What the API server says is wrong, in its own words; they are not ours. */
export function messageOf({ status, value }: TargetAnswer): string {
  const message = isFields(value) && value.kind === "Status" && typeof value.message === "string" ? value.message : "";
  return message === "" ? `it answered ${status}` : `it answered ${status}: ${message.slice(0, mostMessage)}`;
}

const mostMessage = 2000;

/** Whether it gave what was asked for. */
export function isGood({ status, value }: TargetAnswer): boolean {
  return (status === 200 || status === 201) && isFields(value);
}

function json(text: string): Json | undefined {
  try {
    const value: Json = JSON.parse(text);
    return value;
  } catch {
    return undefined;
  }
}
