import { canonicalBytes, type Json } from "../canonical.ts";

/** A record as the verifier reads it. */
export interface ParsedRecord {
  readonly log: string;
  readonly sidecar: string;
  readonly sequence: number;
  /** `sha256:<hex>`; undefined in a writer's first record. */
  readonly previous: string | undefined;
  readonly type: string;
  readonly time: string;
  readonly request: string | undefined;
  /** Action digest, `sha256:<hex>`. */
  readonly action: string | undefined;
  readonly detail: { readonly [key: string]: Json | undefined };
}

type Rules = Readonly<Record<string, { readonly required: boolean; readonly good: (value: unknown) => boolean }>>;

const isText = (value: unknown): boolean => typeof value === "string" && value !== "";
const isHash = (value: unknown): boolean => typeof value === "string" && /^sha256:[0-9a-f]{64}$/.test(value);
const isTime = (value: unknown): boolean => typeof value === "string" && /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/.test(value);
const isSequence = (value: unknown): boolean => Number.isSafeInteger(value) && Number(value) > 0;
const isCommitment = (value: unknown): boolean =>
  isObject(value) &&
  Object.keys(value).length === 2 &&
  isHash(value.hash) &&
  Number.isSafeInteger(value.size) &&
  Number(value.size) >= 0;
const isPrincipal = (value: unknown): boolean =>
  isObject(value) && typeof value.issuer === "string" && typeof value.subject === "string" && Array.isArray(value.groups);

/** The record format, version 1: every member that may be there. */
const MEMBERS: Rules = {
  action: { required: false, good: isHash },
  detail: { required: false, good: () => true },
  log: { required: true, good: isText },
  payload: { required: false, good: isCommitment },
  policy: { required: false, good: isHash },
  previous: { required: false, good: isHash },
  principal: { required: false, good: isPrincipal },
  request: { required: false, good: isText },
  resource: { required: false, good: isText },
  sequence: { required: true, good: isSequence },
  sidecar: { required: true, good: isText },
  time: { required: true, good: isTime },
  type: { required: true, good: isText },
  version: { required: true, good: (value) => value === 1 },
};

/**
 * Reads a record strictly. What is not canonical is refused: a member given twice, for instance, reads differently in different parsers.
 *
 * @returns the record, or what is wrong with it.
 */
export function parseRecord(bytes: Uint8Array): ParsedRecord | string {
  const value = parseJson(bytes);
  if (!isObject(value)) return "it is not a JSON object";
  for (const [name, rule] of Object.entries(MEMBERS)) {
    const member = value[name];
    if (member === undefined ? rule.required : !rule.good(member))
      return `its member "${name}" is ${member === undefined ? "missing" : "not valid"}`;
  }
  const unknown = Object.keys(value).find((name) => !Object.hasOwn(MEMBERS, name));
  if (unknown !== undefined) return `it has an unknown member ${JSON.stringify(unknown)}`;
  if (!canonicalBytes(value).equals(bytes)) return "it is not in canonical form (RFC 8785)";
  return {
    log: String(value.log),
    sidecar: String(value.sidecar),
    sequence: Number(value.sequence),
    previous: value.previous === undefined ? undefined : String(value.previous),
    type: String(value.type),
    time: String(value.time),
    request: value.request === undefined ? undefined : String(value.request),
    action: value.action === undefined ? undefined : String(value.action),
    detail: isObject(value.detail) ? value.detail : {},
  };
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes));
  } catch {
    return undefined;
  }
}

function isObject(value: unknown): value is { readonly [key: string]: Json | undefined } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
