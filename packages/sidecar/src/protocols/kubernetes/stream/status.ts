import type { Exit } from "@countersign/policy";
import { z } from "zod";

/** What the target says about how a session ended. */
export type StreamEnd =
  | { readonly type: "exited"; readonly exit: Exit }
  /** It did not run to its end, or not at all. The words are the target's. */
  | { readonly type: "failed"; readonly reason: string; readonly message: string };

/** `v1.Status` as remotecommand uses it on its error stream (k8s.io/apimachinery/pkg/apis/meta/v1/types.go). */
const statusSchema = z.object({
  status: z.enum(["Success", "Failure"]),
  reason: z.string().optional(),
  message: z.string().optional(),
  code: z.int().optional(),
  details: z
    .object({ causes: z.array(z.object({ reason: z.string().optional(), message: z.string().optional() })).nullish() })
    .nullish(),
});

const mostBytes = 64 * 1024;
const longestText = 500;

/** Gathers the error stream of a session, which holds one Status and nothing else. */
export class StatusReader {
  readonly #parts: Buffer[] = [];
  #size = 0;

  /** Takes the next bytes; false when there are more than any Status has. */
  add(data: Buffer): boolean {
    this.#size += data.length;
    if (this.#size > mostBytes) return false;
    // The memory of a message is the socket's.
    this.#parts.push(Buffer.from(data));
    return true;
  }

  /** How the session ended; undefined when that was not said, or in no words that are known. */
  read(): StreamEnd | undefined {
    return this.#size === 0 || this.#size > mostBytes ? undefined : readStatus(Buffer.concat(this.#parts).toString());
  }
}

/** Reads one Status; undefined when it is none. */
export function readStatus(text: string): StreamEnd | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  const { success, data } = statusSchema.safeParse(value);
  if (!success) return undefined;
  if (data.status === "Success") return { type: "exited", exit: { code: 0 } };
  const { reason = "", message = "", details } = data;
  const code = reason === "NonZeroExitCode" ? exitCode(details?.causes ?? []) : undefined;
  if (code !== undefined) return { type: "exited", exit: { code } };
  return { type: "failed", reason: reason.slice(0, longestText), message: message.slice(0, longestText) };
}

function exitCode(causes: readonly { readonly reason?: string | undefined; readonly message?: string | undefined }[]) {
  const [cause, second] = causes.filter(({ reason }) => reason === "ExitCode");
  const code = second === undefined && /^-?\d{1,10}$/.test(cause?.message ?? "") ? Number(cause?.message) : undefined;
  // Windows has unsigned ones of 32 bits; what is beyond is none.
  return code === undefined || Math.abs(code) >= 2 ** 32 ? undefined : code | 0;
}
