import { type ProtocolName, protocols, type RecordedAction, readOperation } from "@countersign/policy";
import { z } from "zod";

/** What somebody asked for, as the payload of a record says it. */
export type Asked = Pick<RecordedAction, "operation" | "reason">;

const operationSchema = z.looseObject({ kind: z.string() });
const payloadSchema = z.object({ operation: operationSchema, reason: z.string().default("") });
const stateSchema = z.looseObject({});
const index = z.int().nonnegative();
const sharedSchema = z.object({
  operations: z.array(z.unknown()),
  /** Number, operation, time, duration, rows, bytes, state, parameters; then what the target said. */
  passages: z.array(z.tuple([index, index, z.number(), z.number(), index, index, z.string(), z.unknown()], z.unknown())),
  reason: z.string().default(""),
});
const planSchema = z.object({ lines: z.array(z.object({ operation: operationSchema })) });

/**
 * The operation of a payload, or of one line of a plan; undefined where it was written by another version: none of it is guessed.
 *
 * @param payload JSON
 */
export function readAsked(payload: unknown, line: number | undefined): Asked | "plan" | undefined {
  try {
    const { operation: whole, reason } = payloadSchema.parse(payload);
    if (line === undefined && whole.kind === "plan") return "plan";
    const operation = line === undefined ? whole : planSchema.parse(whole).lines[line]?.operation;
    return operation && operationOf(operation, reason);
  } catch {
    return undefined;
  }
}

/** The operations that share a record, in its order. See `packages/audit/README.md`: an operation stands there once, without its parameters and the id of its connection. */
export function readShared(payload: unknown, id: string | undefined): readonly (Asked & { readonly atMs: number })[] | undefined {
  try {
    const { operations, passages, reason } = sharedSchema.parse(payload);
    return passages.map(([, index, atMs, , , , , parameters]) => {
      const { connection, ...operation } = operationSchema.parse(operations[index]);
      const own = connection === undefined ? {} : { connection: { ...stateSchema.parse(connection), id } };
      const values = operation.kind === "postgres.query" ? { parameters } : {};
      const asked = operationOf({ ...operation, ...values, ...own }, reason);
      if (asked === undefined) throw new TypeError("an operation of another version");
      return { ...asked, atMs };
    });
  } catch {
    return undefined;
  }
}

function operationOf(operation: z.infer<typeof operationSchema>, reason: string): Asked | undefined {
  const type = protocolOf(operation.kind);
  return type && { operation: readOperation(type, operation), reason };
}

function protocolOf(kind: string): ProtocolName | undefined {
  const [first] = kind.split(".");
  return Object.keys(protocols).find((name): name is ProtocolName => name === first);
}
