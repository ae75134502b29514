import { LRUCache } from "lru-cache";
import type { HttpRequest } from "../action.ts";
import type { Json } from "../canonical.ts";
import { isCredentialParameter } from "../operation/credential.ts";
import type { Protocol } from "./fact.ts";
import type { HttpApi } from "./http/api.ts";
import { type HttpFacts, httpFacts } from "./http/definition.ts";
import { asksForEvents } from "./http/events.ts";
import { readGraphql } from "./http/graphql.ts";
import { checkOverride, isSafe, methodDoubts } from "./http/method.ts";
import { nameOperation } from "./http/operation-index.ts";
import { readUpgrade } from "./http/upgrade.ts";
import { readBody, readBytes, unseenBytes } from "./request/body.ts";
import { readHeaders } from "./request/headers.ts";
import type { Query } from "./request/query.ts";
import { refused } from "./request/refusal.ts";
import { readTarget } from "./request/target.ts";

/** HTTP to rules. */
export const http: Protocol<HttpFacts> = {
  variable: "http",
  table: httpFacts,
  summary: ({ method, path, upgrade }) => `${upgrade === "" ? method : "a WebSocket at"} ${encodeURI(path).slice(0, 200)}`,
  readOnly: ({ readOnly }) => readOnly,
  // What is in it was not looked at, whatever else a rule may say of the body; an answer that need not end is more than an answer.
  mustName: ({ streamed, upgrade, events, graphql }) => [
    ...(streamed ? ["streamed"] : []),
    ...(upgrade === "" ? [] : ["upgrade"]),
    ...(events ? ["events"] : []),
    // A rule about a path is not one about all that can be asked there.
    ...(graphql.kind === "query" || (graphql.kind === "" && !graphql.opaque) ? [] : ["graphql"]),
  ],
  maskRefusal: (mask, { upgrade, graphql }) => {
    if (!mask.startsWith("/")) return "that is no place in an answer of an HTTP API; write /customers/*/email";
    if (upgrade !== "") return "nothing can be hidden in a WebSocket";
    // An alias gives a value any name, so that a mask would look past it.
    if (graphql.opaque || graphql.aliased) return "GraphQL aliases put values where no mask looks for them";
    return undefined;
  },
  // Whoever agrees to a WebSocket agrees to what nobody has seen yet.
  mustNameToHold: ({ upgrade }) => (upgrade === "" ? [] : ["upgrade"]),
};

const noApi: HttpApi = {};

/** Bodies above this are read again each time. */
const maxSeen = 16 * 1024;

/** Seen requests that were understood: none of them holds a credential. At most some 16 MB of text. */
const seen = new LRUCache<string, HttpFacts>({
  max: 10_000,
  maxSize: 16 * 1024 * 1024,
  // The text is held twice (in the key and in the facts) at up to two bytes a character.
  sizeCalculation: (_, key) => 4 * key.length + 2000,
});

const apiNumbers = new WeakMap<HttpApi, number>();
let apis = 0;

/** The same text means the same to one API only. */
function numberOf(api: HttpApi): number {
  const number = apiNumbers.get(api) ?? ++apis;
  apiNumbers.set(api, number);
  return number;
}

/**
 * What a request to an HTTP API asks for: its parts read once, as every server reads them. What has two readings is refused or opaque.
 *
 * @param api what is known of the API; it must not change.
 * @throws {CountersignError} as `classify`.
 */
export function classifyHttp(operation: HttpRequest, api: HttpApi = noApi): HttpFacts {
  const { method, path, headers, body, streamed = false } = operation;
  if (body && ("text" in body ? body.text : body.binary).length > maxSeen) return read(operation, api);
  const key = JSON.stringify([method, path, headers, body, streamed, numberOf(api)]);
  const before = seen.get(key);
  if (before) return before;
  const facts = read(operation, api);
  if (!facts.opaque) seen.set(key, facts);
  return facts;
}

function read(operation: HttpRequest, api: HttpApi): HttpFacts {
  const { method } = operation;
  if (operation.streamed && operation.body !== undefined) throw refused("The body is given or streamed, not both.");
  const doubts = new Set(methodDoubts(method));
  const { path, query } = readTarget(operation.path);
  const bytes = readBytes(operation.body);
  const upgrade = readUpgrade(operation);
  const streamed = operation.streamed === true && upgrade === "";
  const bodyBytes = streamed ? unseenBytes : bytes.length;
  const headers = readHeaders(operation.headers, bodyBytes);
  const body = readBody(bytes, headers);
  checkOverride([...Object.keys(query.values), ...namesOf(body.value)]);
  for (const part of [path, query, headers, body]) for (const doubt of part.doubts) doubts.add(doubt);
  for (const name of query.repeated) doubts.add(`the query gives ${JSON.stringify(name)} twice with different values`);
  const credentials = Object.keys(query.values).filter(isCredentialParameter);
  if (credentials.length > 0) doubts.add("the query brings a credential of the caller's own");
  if ((method === "GET" || method === "HEAD") && bodyBytes > 0)
    doubts.add(`${method} with a body, which some servers drop and others take for the next request`);
  // What GraphQL asks for says more than any document of its one path.
  const named = nameOperation(path.text === api.graphql ? undefined : api.operations, method, path);
  const graphql = readGraphql({ method, path: path.text, query, body }, api.graphql);
  for (const part of [named, graphql]) for (const doubt of part.doubts) doubts.add(doubt);
  const opaque = doubts.size > 0;
  return Object.freeze({
    method,
    path: path.text,
    segments: Object.freeze(path.segments),
    query: credentials.length > 0 ? withoutValues(query, credentials) : query.values,
    headers: headers.values,
    contentType: body.contentType,
    body: body.value,
    bodyBytes,
    streamed,
    upgrade,
    events: asksForEvents(headers, query.values, body.value),
    operation: named.operation,
    pathParameters: named.pathParameters,
    graphql: graphql.fact,
    readOnly: isSafe(method) && bodyBytes === 0 && upgrade === "" && !opaque && /^(?:query)?$/.test(graphql.fact.kind),
    opaque,
    doubts: Object.freeze([...doubts].sort()),
  });
}

/** The names of a form, or of the members of a JSON object, which some frameworks (Laravel) read like those of a form. */
function namesOf(body: Json): readonly string[] {
  return typeof body === "object" && body !== null && !Array.isArray(body) ? Object.keys(body) : [];
}

function withoutValues({ values }: Query, names: readonly string[]): Query["values"] {
  const shown = Object.entries(values).map(([name, list]) => [name, names.includes(name) ? Object.freeze([]) : list] as const);
  return Object.freeze(Object.fromEntries(shown));
}
