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
const ours: ReadonlyMap<string, RegExp> = new Map([
  ["keep-alive", /^/],
  ["proxy-connection", /^/],
  ["accept-encoding", /^/],
  ["countersign-reason", /^/],
  ["idempotency-key", /^$/],
  ["connection", /^(?:keep-alive|close)$/i],
  ["expect", /^100-continue$/i],
  ["te", /^trailers$/i],
]);

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
  const names = fields.map(([name]) => name.toLowerCase());
  const first = (name: string) => fields[names.indexOf(name)]?.[1];
  const isOne = (name: string) => names.includes(name) && names.indexOf(name) === names.lastIndexOf(name);
  const whole = Buffer.isBuffer(body) ? body : undefined;
  const bytes = Buffer.isBuffer(body) ? body.length : body.bytes;
  const isChunked = names.includes("transfer-encoding");
  const isPlain = (name: string, value: string): boolean => {
    if (name === "host") return isOne(name);
    if (name === "transfer-encoding") return value === "chunked" && isOne(name) && !names.includes("content-length");
    return name === "content-length" && value === String(bytes) && !isChunked && isOne(name);
  };
  const bound = fields.filter(([, value], at) => {
    const name = names[at] ?? "";
    if (name === "authorization") return false;
    return !(ours.get(name)?.test(value) || isPlain(name, value) || isForeign(name, value));
  });
  const preferences = names.includes("prefer") ? fields.filter((_, at) => names[at] === "prefer").map(([, value]) => value) : [];
  const key = first("idempotency-key");
  const headers = rawTrailers.length === 0 ? bound : [...bound, ["trailer", rawTrailers[0] ?? ""] as const];
  return {
    message: { method, path, headers, ...bodyPart(whole) },
    wantsAsync: /(?:^|[,;])\s*respond-async\s*(?:$|[,;])/i.test(preferences.join(",")),
    key: key === "" ? undefined : key,
    reason: (first("countersign-reason") ?? "").slice(0, longestReason),
  };
}

function bodyPart(whole: Buffer | undefined): Pick<Message, "body" | "streamed"> {
  if (whole === undefined) return { streamed: true };
  return whole.length > 0 ? { body: bodyOf(whole) } : {};
}
