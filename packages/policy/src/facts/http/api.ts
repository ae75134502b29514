/** What classification has to know about an HTTP API. JSON: it travels to wherever requests are classified. */
export interface HttpApi {
  /** The path at which GraphQL is spoken; absent = nowhere. */
  readonly graphql?: string;
  /** What the API's OpenAPI documents name; absent = there are none. */
  readonly operations?: readonly HttpOperation[];
}

/** One operation of an OpenAPI document. */
export interface HttpOperation {
  /** Its `operationId`, or `METHOD /template` where it has none. */
  readonly id: string;
  /** Upper case. */
  readonly method: string;
  /** The path template behind the server's base path: `/v1/orders/{id}`. */
  readonly path: string;
}
