/** What can keep a control plane from opening. */
export type ControlPlaneErrorCode =
  /** Another process has the folder open. */
  | "folder_in_use"
  /** The folder or a file in it can be read by others, or is not what it should be. */
  | "folder_unsafe"
  /** A newer version of Countersign wrote the store. */
  | "store_too_new"
  /** The store cannot be read. */
  | "store_damaged"
  /** A key file is missing its key. */
  | "key_damaged"
  /** A socket or port cannot be listened on. */
  | "address_unusable";

/** A control plane that cannot open. The message says what, where and how to fix it; it holds no secret. */
export class ControlPlaneError extends Error {
  override readonly name = "ControlPlaneError";
  readonly code: ControlPlaneErrorCode;

  constructor(code: ControlPlaneErrorCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
  }
}
