/**
 * PostgreSQL: runs one statement with its parameters over the extended protocol.
 *
 * @packageDocumentation
 */

export { openPostgresConnector, type PostgresConnectorOptions } from "./connector.ts";
export { type PostgresResource, postgresResourceSchema } from "./resource.ts";
