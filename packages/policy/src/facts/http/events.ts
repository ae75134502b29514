import type { Json } from "../../canonical.ts";
import type { Headers } from "../request/headers.ts";
import type { Query } from "../request/query.ts";

/**
 * Whether a stream of events is asked for, in one of the ways that APIs know: by content negotiation (WHATWG HTML §9.2), or as the APIs of language
 * models do, by `"stream": true` or `alt=sse`.
 */
export function asksForEvents({ values }: Headers, query: Query["values"], body: Json): boolean {
  if (values.accept?.some((value) => /(?:^|,)\s*text\/event-stream\s*(?:[;,]|$)/i.test(value))) return true;
  if (query.alt?.some((value) => value.toLowerCase() === "sse")) return true;
  return typeof body === "object" && body !== null && "stream" in body && body.stream === true;
}
