import { CountersignError } from "@countersign/policy";

/** The longest reason, bytes of UTF-8. */
const reasonBytes = 4096;

/**
 * Checks what somebody says about why they do something.
 *
 * @throws {CountersignError} `reason_required` when nothing is said, `invalid_request` when it is too long or not text.
 */
export function requireReason(reason: string, why = "Say why: whoever looks at it later has to understand."): void {
  if (reason.trim() === "") throw new CountersignError("reason_required", why);
  checkReason(reason);
}

/** @throws {CountersignError} `invalid_request` when it is too long or not text; it may be empty. */
export function checkReason(reason: string): void {
  if (Buffer.byteLength(reason) > reasonBytes || !reason.isWellFormed()) {
    throw new CountersignError("invalid_request", `The reason is longer than ${reasonBytes} bytes, or not valid Unicode.`);
  }
}
