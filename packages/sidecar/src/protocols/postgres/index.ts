/**
 * PostgreSQL: runs one statement with its parameters over the extended protocol.
 *
 * @packageDocumentation
 */

export { openPostgresClients } from "./clients.ts";
export { openPostgresConnector, type PostgresTarget } from "./connector.ts";
export type { ListenerAddress } from "./entry/dial.ts";
export { openPostgresEvidence } from "./evidence.ts";
export type { PostgresListen } from "./listener.ts";
export { openLocalPort } from "./local-port.ts";
export { type PostgresResource, postgresResourceSchema } from "./resource.ts";
