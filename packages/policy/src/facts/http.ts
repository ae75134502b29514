import type { HttpRequest } from "../action.ts";
import type { Protocol } from "./fact.ts";
import { type HttpFacts, httpFacts } from "./http/definition.ts";

/** Classifies a request to an HTTP API. */
export function classifyHttp(operation: HttpRequest): HttpFacts {
  return Object.freeze({ opaque: true, doubts: Object.freeze([`${operation.kind} is not classified`]) });
}

/** HTTP to rules. */
export const http: Protocol<HttpFacts> = {
  variable: "http",
  table: httpFacts,
  summary: () => "a request",
  readOnly: () => false,
};
