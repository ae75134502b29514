import type { Ended } from "../../../native/waiting-client.ts";

/** What a client whose command is held sees on its standard error. */
export function waitingText(approvalUrl: string): string {
  return `countersign: waiting for approval: ${approvalUrl}`;
}

const states: Partial<Record<Ended["state"], string>> = {
  denied: "denied",
  expired: "the approval expired",
  cancelled: "cancelled",
  revoked: "revoked",
  unknown: "it is not known how it ended",
};

/** Why a command did not run, or not to its end. */
export function failureText(state: Ended["state"], { message }: NonNullable<Ended["failure"]>, requestId: string): string {
  const what = states[state];
  const id = requestId === "" ? "" : ` (${requestId})`;
  return `countersign: ${what === undefined ? "" : `${what}: `}${printable(message)}${id}`;
}

/** Text of others, without what a terminal would act on. */
export function printable(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cf}]/gu, (character) => (character === "\n" ? "\n" : "�"));
}
