import type { FactsOf, FactTable } from "../fact.ts";

/** Every fact about operations of this protocol. The CEL environment, the type {@link HttpFacts} and the documentation come from this table. */
export const httpFacts = {
  method: { type: "string", description: "Upper case, as sent: `GET`, `POST` …" },
  path: {
    type: "string",
    description:
      "Percent-decoded once: what has two readings (dot segments, `//`, encoded slashes, double encoding) is refused. In the case sent: for a server that ignores case compare `http.path.lowerAscii()`. A slash at the end stays.",
  },
  segments: {
    type: "list<string>",
    description: 'The parts of the path, decoded, in order, without a slash at the end: `/orders/7/` gives `["orders", "7"]`.',
  },
  query: {
    type: "map<string, list<string>>",
    description:
      'Each parameter\'s values, decoded, in order: `http.query.status == ["open"]`; check with `has(http.query.status)` before use. The values of credentials (`access_token`, `api_key` …) are left out: an empty list.',
  },
  headers: {
    type: "map<string, list<string>>",
    description:
      'The bound headers by lower-case name: `http.headers["if-match"] == ["*"]`. The values of credentials (`authorization`, `cookie`, `x-api-key` …) are left out: an empty list.',
  },
  contentType: { type: "string", description: 'Lower case, without parameters: `application/json`; `""` when there is none.' },
  body: {
    type: "dyn",
    description:
      "A JSON body's value; a form as a map of lists. `null` when there is none or it is not looked into (then `opaque`). A member that is missing makes the rule deny: check with `has(http.body.amount)` before use.",
  },
  bodyBytes: {
    type: "int",
    description:
      "The length of the body; 0 when there is none. Of one that is `streamed` it is not known: 4194305, one more than is looked at.",
  },
  streamed: {
    type: "bool",
    description:
      "What an unmodified client sends goes to the target as it comes, unseen: a body of more than 4 MiB. An allow rule must look at it when it is true; nobody can approve what is streamed.",
  },
  upgrade: {
    type: "string",
    description:
      '`websocket` for a WebSocket, else `""`. What is sent on it is not seen: a rule that allows or holds covers one only if its condition looks at this: `http.upgrade == "websocket"`.',
  },
  events: {
    type: "bool",
    description:
      'A stream of events is asked for, which need not end: `Accept` names `text/event-stream`, the query says `alt=sse`, or a JSON body `"stream": true`. An `allow` rule covers such a request only if its condition looks at this; a target that streams events without having been asked is cut off.',
  },
  operation: {
    type: "string",
    description:
      'What the API\'s OpenAPI documents call it: the `operationId`, or `METHOD /template` where there is none. `""` where they have no such operation or several paths fit (then `opaque`), and without documents.',
  },
  pathParameters: {
    type: "map<string, string>",
    description:
      'The parameters of that operation\'s path, decoded: `http.pathParameters.orderId == "7"`; check with `has` before use.',
  },
  graphql: {
    type: "group",
    description:
      "What is asked at the resource's GraphQL endpoint. An `allow` rule matches a mutation, a subscription and what is `opaque` only if its condition looks at this.",
    fields: {
      kind: {
        type: "string",
        description:
          '`query`, `mutation` or `subscription`; of several operations (in a document, in a batch) the one that may do the most. `""` elsewhere.',
      },
      name: { type: "string", description: 'The operation\'s name; `""` when it has none, or there are several.' },
      fields: {
        type: "list<string>",
        description:
          "What is asked at the root, by the schema's names: aliases are resolved, fragments taken apart, and what `@skip` or `@include` may leave out is there.",
      },
      aliased: { type: "bool", description: "Whether a field, at any depth, is answered under another name." },
      opaque: {
        type: "bool",
        description:
          "It is at the endpoint and was not understood; persisted queries are not, for one. Then `http.opaque` is true too.",
      },
    },
  },
  readOnly: {
    type: "bool",
    description:
      "`GET`, `HEAD` or `OPTIONS` without a body: the methods that promise to change nothing (RFC 9110 §9.2.1). Whether the server keeps the promise is not known. Never true when `opaque` is.",
  },
  opaque: {
    type: "bool",
    description: "Not fully understood, see `doubts`. An `allow` rule does not match unless it says `opaque: true`.",
  },
  doubts: { type: "list<string>", description: "Why it is opaque, in words; empty when it is not." },
} as const satisfies FactTable;

/** What classification found out. Lists are sorted and without duplicates unless their description says otherwise. */
export type HttpFacts = FactsOf<typeof httpFacts>;
