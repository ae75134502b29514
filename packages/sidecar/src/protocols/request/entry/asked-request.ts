import type { IncomingMessage } from "node:http";
import { bodyOf } from "@countersign/policy";
import type { StreamedBody } from "../exchange.ts";
import type { Field } from "../fields.ts";
import type { Message } from "./entry-kind.ts";

/** A client's request, read once. */
export interface AskedRequest {
  readonly message: Message;
  readonly wantsAsync: boolean;
  /** The client's own word for what must not be done twice. */
  readonly key: string | undefined;
  readonly reason: string;
}

/** What is between the client and us: read here, or made anew for the target. In any other form it stays, and classification refuses it. */
const ours: Readonly<Record<string, RegExp>> = {
  "keep-alive": /^/,
  "proxy-connection": /^/,
  "accept-encoding": /^/,
  "countersign-reason": /^/,
  "idempotency-key": /^$/,
  connection: /^(?:keep-alive|close)$/i,
  expect: /^100-continue$/i,
  te: /^trailers$/i,
};

const longestReason = 1000;

/** A request's fields as they were sent. */
export function fieldsOf({ rawHeaders }: Pick<IncomingMessage, "rawHeaders">): readonly Field[] {
  const fields: Field[] = [];
  for (let at = 0; at < rawHeaders.length; at += 2) fields.push([rawHeaders[at] ?? "", rawHeaders[at + 1] ?? ""]);
  return fields;
}

/**
 * What a request asks for: all that goes on to the target, and everything that is odd about how it was sent, for classification to refuse.
 *
 * @param path as the target is asked for it.
 * @param isForeign whether a field is a credential that the target must not get.
 */
export function askedRequest(
  { method = "", rawTrailers }: Pick<IncomingMessage, "method" | "rawTrailers">,
  path: string,
  fields: readonly Field[],
  body: Buffer | StreamedBody,
  isForeign: (name: string, value: string) => boolean,
): AskedRequest {
  const valuesOf = (name: string) => fields.filter(([one]) => one.toLowerCase() === name).map(([, value]) => value);
  const whole = Buffer.isBuffer(body) ? body : undefined;
  const bytes = Buffer.isBuffer(body) ? body.length : body.bytes;
  const isChunked = valuesOf("transfer-encoding").length > 0;
  const isPlain: Readonly<Record<string, (value: string) => boolean>> = {
    host: () => valuesOf("host").length === 1,
    "transfer-encoding": (value) =>
      value === "chunked" && valuesOf("transfer-encoding").length === 1 && valuesOf("content-length").length === 0,
    "content-length": (value) => value === String(bytes) && !isChunked && valuesOf("content-length").length === 1,
  };
  const bound = fields.filter(([given, value]) => {
    const name = given.toLowerCase();
    if (name === "authorization") return false;
    return !(ours[name]?.test(value) || isPlain[name]?.(value) || isForeign(name, value));
  });
  const preferences = valuesOf("prefer").join(",").toLowerCase();
  const [key] = valuesOf("idempotency-key");
  const headers = rawTrailers.length === 0 ? bound : [...bound, ["trailer", rawTrailers[0] ?? ""] as const];
  return {
    message: { method, path, headers, ...bodyPart(whole) },
    wantsAsync: /(?:^|[,;])\s*respond-async\s*(?:$|[,;])/.test(preferences),
    key: key === "" ? undefined : key,
    reason: (valuesOf("countersign-reason")[0] ?? "").slice(0, longestReason),
  };
}

function bodyPart(whole: Buffer | undefined): Pick<Message, "body" | "streamed"> {
  if (whole === undefined) return { streamed: true };
  return whole.length > 0 ? { body: bodyOf(whole) } : {};
}
