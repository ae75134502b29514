import { z } from "zod";
import type { Operation } from "../action.ts";
import type { Json } from "../canonical.ts";
import { type ProtocolName, protocols } from "../facts/protocols.ts";
import { CountersignError } from "../outcome.ts";
import { nearest } from "../suggest.ts";
import { checkShape, json, jsonObject } from "./json-shape.ts";
import { readOperation } from "./operation-json.ts";

const text = z.string();

const described = z.strictObject({ name: text.min(1), labels: z.record(text, text).optional(), roles: z.array(text).optional() });
const target = z.union([text.min(1).transform((name): z.output<typeof described> => ({ name })), described]);

const caller = z.strictObject({
  issuer: text.optional(),
  subject: text.optional(),
  groups: z.array(text).optional(),
  claims: jsonObject.optional(),
  owner: text.optional(),
});

/** With a time zone: the same line must mean the same moment everywhere (RFC 3339). */
const moment = z
  .union([z.iso.datetime({ offset: true, error: "expected a time like 2026-01-31T12:00:00Z" }), z.number()])
  .transform((value) => (typeof value === "number" ? value : Date.parse(value)));

const fields = {
  id: json.optional(),
  type: z.enum(["postgres", "ssh", "kubernetes", "http", "mcp"]).optional(),
  resource: target.optional(),
  labels: z.record(text, text).optional(),
  principal: caller.optional(),
  role: text.optional(),
  reason: text.optional(),
  session: text.optional(),
  now: moment.optional(),
};
const envelope = z.strictObject(fields);
const names: ReadonlySet<string> = new Set(Object.keys(fields));

type Fields = z.output<typeof envelope>;

/** An operation as JSON says it, with what stands beside it. What is left out comes from elsewhere. */
export interface AskingJson extends Pick<Fields, "principal" | "role" | "reason"> {
  readonly type: ProtocolName;
  readonly operation: Operation;
  readonly resource: string | undefined;
  readonly labels: Readonly<Record<string, string>>;
  readonly roles: readonly string[] | undefined;
  readonly nowMs: number | undefined;
}

/**
 * Reads an operation (see `readOperation`) that may have these beside its own fields: `type`, `id`, `resource` (a name, or
 * `{name, labels?, roles?}`), `labels`, `principal {issuer?, subject?, groups?, claims?, owner?}`, `role`, `reason`, `session`, `now`. The
 * operation may also stand under `operation`, as audit payloads have it.
 *
 * @param defaultType of an operation that does not say its own.
 * @throws {CountersignError} `invalid_request`.
 */
export function readAsking(value: unknown, defaultType: ProtocolName | undefined): AskingJson {
  const { beside, operation } = isObject(value) ? takeApart(value) : { beside: {}, operation: value };
  const { resource, principal, role, reason, ...own } = checkShape("an operation", beside, envelope);
  const type = own.type ?? typeOf(operation) ?? defaultType;
  if (type === undefined)
    throw new CountersignError(
      "invalid_request",
      `The operation says no type; add "type": one of ${Object.keys(protocols).join(", ")}.`,
    );
  return {
    ...{ type, operation: operationOf(type, operation) },
    resource: resource?.name,
    labels: { ...resource?.labels, ...own.labels },
    roles: resource?.roles,
    ...{ principal, role, reason, nowMs: own.now },
  };
}

/** What a line calls itself, also where the rest of it cannot be used. */
export function idOf(value: unknown): Json | undefined {
  const id = isObject(value) ? value.id : undefined;
  return json.safeParse(id).data;
}

function takeApart(value: Readonly<Record<string, unknown>>): { readonly beside: object; readonly operation: unknown } {
  const entries = Object.entries(value);
  const beside = entries.filter(([name]) => names.has(name));
  if ("operation" in value) {
    const unknown = entries.filter(([name]) => !names.has(name) && name !== "operation");
    return { beside: Object.fromEntries([...beside, ...unknown]), operation: value.operation };
  }
  return {
    beside: Object.fromEntries(beside),
    operation: Object.fromEntries(entries.filter(([name]) => !names.has(name))),
  };
}

function operationOf(type: ProtocolName, operation: unknown): Operation {
  try {
    return readOperation(type, operation);
  } catch (error) {
    throw misspelt(operation) ?? error;
  }
}

/** An unknown key that was meant to stand beside the operation. */
function misspelt(operation: unknown): CountersignError | undefined {
  for (const key of isObject(operation) ? Object.keys(operation) : []) {
    const near = nearest(key, [...names]);
    if (near !== undefined)
      return new CountersignError("invalid_request", `Not an operation: unknown key "${key}"; did you mean "${near}"?`);
  }
  return undefined;
}

/** `postgres` for an operation of kind `postgres.query`. */
function typeOf(operation: unknown): ProtocolName | undefined {
  const kind = isObject(operation) && typeof operation.kind === "string" ? operation.kind.split(".", 1)[0] : undefined;
  return fields.type.unwrap().safeParse(kind).data;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
