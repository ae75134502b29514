/** What can go wrong with the audit log. */
export type AuditErrorCode =
  /** It cannot be written now (disk full, I/O error, closed). Nothing may be dispatched; the same append may succeed later. */
  | "unavailable"
  /** A draft cannot be a record: too large, or not representable as canonical JSON. Only this append is refused. */
  | "invalid_record"
  /** What is stored does not fit its own signed checkpoint. Nothing is appended to a log that was tampered with. */
  | "corrupt"
  /** A key, checkpoint, receipt or export cannot be parsed. */
  | "malformed"
  /** There is no such record or payload, or the payload was erased. */
  | "not_found";

/** An audit failure with a closed {@link AuditErrorCode}. Holds no secret and no payload. */
export class AuditError extends Error {
  override readonly name = "AuditError";
  readonly code: AuditErrorCode;

  constructor(code: AuditErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.code = code;
  }
}
