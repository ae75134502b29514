/** JSON, as an object of it. */
export type Fields = { [name: string]: unknown };

/** An object of the API (API conventions, "Objects"). */
export interface ApiObject extends Fields {
  apiVersion: string;
  kind: string;
  metadata: Metadata;
}

/** What every object says of itself (API conventions, "Metadata"). */
export interface Metadata extends Fields {
  name: string;
  namespace?: string;
  uid: string;
  resourceVersion: string;
  creationTimestamp: string;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
}

/** An answer other than success: a `Status` (API conventions, "Response Status Kind"). */
export class ApiError extends Error {
  readonly code: number;
  readonly reason: string;
  readonly details: Fields;

  constructor(code: number, reason: string, message: string, details: Fields = {}) {
    super(message);
    this.code = code;
    this.reason = reason;
    this.details = details;
  }

  /** As it is sent. */
  get status(): Fields {
    const { code, reason, message, details } = this;
    return { kind: "Status", apiVersion: "v1", metadata: {}, status: "Failure", message, reason, details, code };
  }
}

/** Whether it is a JSON object. */
export function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A member that is an object, or an empty one. */
export function fieldsOf(value: unknown, name: string): Fields {
  const member = isFields(value) ? value[name] : undefined;
  return isFields(member) ? member : {};
}

/** A member that is a list, or an empty one. */
export function listOf(value: unknown, name: string): unknown[] {
  const member = isFields(value) ? value[name] : undefined;
  return Array.isArray(member) ? member : [];
}

/** A member that is a text. */
export function textOf(value: unknown, name: string): string | undefined {
  const member = isFields(value) ? value[name] : undefined;
  return typeof member === "string" ? member : undefined;
}
