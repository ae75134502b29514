/** The states in which a request may still be dispatched. */
const open: readonly unknown[] = ["approved", "executing"];

/**
 * Why a request must not be dispatched by what is on record of it, whatever its row says; undefined when it may. A row may be older than the
 * log: the process died between the two, or somebody put an earlier one back, which is as well signed as it was then.
 */
export function endOnRecord(records: readonly Uint8Array[]): string | undefined {
  let end: string | undefined;
  for (const { type, detail } of records.map(parse)) {
    if (type === "intent") return "The audit log holds that it was dispatched before; an approval is good for one execution.";
    if (type === "revocation") end = "revoked";
    if (type === "state" && !open.includes(detail.to)) end = String(detail.to);
  }
  return end === undefined
    ? undefined
    : `The audit log holds that it is ${end}; nothing was run. Ask again if it is still wanted.`;
}

/** Our own bytes, read back; checked because a store may be damaged. */
function parse(bytes: Uint8Array): { readonly type: unknown; readonly detail: Readonly<Record<string, unknown>> } {
  const value: unknown = JSON.parse(Buffer.from(bytes).toString());
  if (!isObject(value)) return { type: undefined, detail: {} };
  return { type: value.type, detail: isObject(value.detail) ? value.detail : {} };
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}
