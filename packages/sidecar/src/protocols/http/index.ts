/**
 * HTTP APIs: sends one request for each action, with a credential that its caller never sees.
 *
 * @packageDocumentation
 */

export { openHttpConnector } from "./connector.ts";
export { type HttpListen, openHttpClients } from "./listener.ts";
export { ApiSource } from "./openapi/api-source.ts";
export { readHttpApi } from "./openapi/read-api.ts";
export { httpResourceSchema, httpWarnings } from "./resource.ts";
