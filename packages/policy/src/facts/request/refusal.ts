import { CountersignError } from "../../outcome.ts";

/** A request that has two readings or that no server should take. The message says what, where and how to fix it. */
export function refused(message: string): CountersignError {
  return new CountersignError("invalid_operation", sentence(message));
}

/** A request that is too large to look into. */
export function tooLarge(message: string): CountersignError {
  return new CountersignError("operation_too_large", sentence(message));
}

/** Messages may begin with what they are about (`the query`). */
function sentence(message: string): string {
  return message.charAt(0).toUpperCase() + message.slice(1);
}
